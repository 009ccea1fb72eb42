// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/extrema.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>
#include <support/values.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using test::kInf;
using test::kNan;
using test::variable;

namespace {

bool equal(const Variable& a, const std::vector<double>& b) {
  return allclose(a.data(), variable(b, a.dtype()).data(), 0, 0, true);
}

}  // namespace

TEST_CASE("extrema of two arrays: ties to the first, NaN to y", "[extrema]") {
  struct Case {
    const char* name;
    Variable (*op)(const Variable&, const Variable&);
    std::vector<double> y, ga, gb;
  };
  const auto c = GENERATE(values<Case>({
      {"maximum",
       ops::maximum,
       {2, 5, 3, kInf, 0, kNan, kNan},
       {0, 20, 30, 40, 50, 0, 0},
       {10, 0, 0, 0, 0, 60, 70}},
      {"minimum",
       ops::minimum,
       {1, 4, 3, -kInf, 0, kNan, kNan},
       {10, 0, 30, 0, 50, 0, 0},
       {0, 20, 0, 40, 0, 60, 70}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool create_graph = GENERATE(false, true);
  INFO(c.name << " " << dtype);
  const Variable a = variable({1, 5, 3, kInf, 0, kNan, 1}, dtype, true);
  const Variable b = variable({2, 4, 3, -kInf, -0.0, 1, kNan}, dtype, true);
  const Variable y = c.op(a, b);
  CHECK(y.creator()->name() == c.name);
  CHECK(equal(y, c.y));
  const Variables g =
      grad({y}, {a, b}, {variable({10, 20, 30, 40, 50, 60, 70}, dtype)}, {.create_graph = create_graph});
  CHECK(equal(g[0], c.ga));
  CHECK(equal(g[1], c.gb));
}

TEST_CASE("extrema of an array and numbers, with gradients at the bounds", "[extrema]") {
  struct Case {
    const char* name;
    Variable (*op)(const Variable&);
    Attributes attributes;
    std::vector<double> y, gx;
  };
  const auto c = GENERATE(values<Case>({
      {"maximum_scalar",
       [](const Variable& x) { return ops::maximum_scalar(x, 0.5); },
       {{"value", "0.5"}},
       {0.5, 0.5, 0.5, 1, kInf, 0.5, kNan},
       {0, 0, 30, 40, 50, 0, 0}},
      {"minimum_scalar",
       [](const Variable& x) { return ops::minimum_scalar(x, 0.5); },
       {{"value", "0.5"}},
       {-2, -1, 0.5, 0.5, 0.5, -kInf, kNan},
       {10, 20, 30, 0, 0, 60, 0}},
      {"clip",
       [](const Variable& x) { return ops::clip(x, -1, 0.5); },
       {{"x_min", "-1"}, {"x_max", "0.5"}},
       {-1, -1, 0.5, 0.5, 0.5, -1, kNan},
       {0, 20, 30, 0, 0, 0, 0}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool create_graph = GENERATE(false, true);
  INFO(c.name << " " << dtype);
  const Variable x = variable({-2, -1, 0.5, 1, kInf, -kInf, kNan}, dtype, true);
  const Variable y = c.op(x);
  CHECK(y.dtype() == dtype);
  CHECK(y.creator()->name() == c.name);
  CHECK(y.creator()->attributes() == c.attributes);
  CHECK(equal(y, c.y));
  const Variable gy = variable({10, 20, 30, 40, 50, 60, 70}, dtype);
  CHECK(equal(grad({y}, {x}, {gy}, {.create_graph = create_graph})[0], c.gx));
}

TEST_CASE("bounds are rounded to x's dtype", "[extrema]") {
  const Variable x = variable({0.1}, DType::float32, true);  // above the double 0.1
  CHECK(grad({ops::clip(x, -1, 0.1)}, {x})[0].item() == 1);
  CHECK(grad({ops::minimum_scalar(x, 0.1)}, {x})[0].item() == 1);
}

TEST_CASE("the bounds of clip may be equal, infinite, not exchanged", "[extrema][errors]") {
  const Variable x = variable({-2, 0, 2}, DType::float32);
  CHECK(equal(ops::clip(x, 1, 1), {1, 1, 1}));
  CHECK(equal(ops::clip(x, -kInf, 1), {-2, 0, 1}));
  CHECK_THROWS_MATCHES(ops::clip(x, 1, -1), ValueError,
                       Message("clip: x_min must not be above x_max (x_min is 1, x_max is -1)\n"
                               "  x: float32 [3]\n"
                               "  hint: give the lower bound first"));
  CHECK_THROWS_MATCHES(ops::clip(x, kNan, 1), ValueError,
                       Message("clip: x_min must not be above x_max (x_min is nan, x_max is 1)\n"
                               "  x: float32 [3]\n"
                               "  hint: give the lower bound first"));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/math.hpp>

#include <catch2/catch.hpp>

#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <support/tolerance.hpp>
#include <support/values.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using test::kInf;
using test::kNan;
using test::variable;

namespace {

bool close(const Variable& a, const std::vector<double>& b) {
  const double tolerance = test::element_tolerance(a.dtype());
  return allclose(a.data(), variable(b, a.dtype()).data(), tolerance, tolerance, true);
}

}  // namespace

TEST_CASE("functions of one variable, values and gradients by hand", "[math]") {
  struct Case {
    const char* name;
    Variable (*op)(const Variable&);
    std::vector<double> x, y, gx;
  };
  const double e = std::exp(1.0);
  const auto c = GENERATE_COPY(values<Case>({
      {"exp",
       ops::exp,
       {0, 1, -1, kInf, -kInf, kNan, 1000},
       {1, e, 1 / e, kInf, 0, kNan, kInf},
       {1, e, 1 / e, kInf, 0, kNan, kInf}},
      {"log",
       ops::log,
       {1, e, 0.5, kInf, 0, -1, kNan},
       {0, 1, std::log(0.5), kInf, -kInf, kNan, kNan},
       {1, 1 / e, 2, 0, kInf, -1, kNan}},
      {"expm1",
       ops::expm1,
       {0, 1, 1e-12, -kInf, kInf, kNan, 1000},
       {0, e - 1, 1e-12, -1, kInf, kNan, kInf},
       {1, e, 1 + 1e-12, 0, kInf, kNan, kInf}},
      {"log1p",
       ops::log1p,
       {0, e - 1, 1e-12, kInf, -1, -2, kNan},
       {0, 1, 1e-12, kInf, -kInf, kNan, kNan},
       {1, 1 / e, 1 - 1e-12, 0, kInf, -1, kNan}},
      {"rsqrt",
       ops::rsqrt,
       {4, 0.25, 0, kInf, -1, kNan},
       {0.5, 2, kInf, 0, kNan, kNan},
       {-1.0 / 16, -4, -kInf, 0, kNan, kNan}},
      {"erf",
       ops::erf,
       {0, 1, -1, 30, kInf, -kInf, kNan},
       {0, 0.8427007929497149, -0.8427007929497149, 1, 1, -1, kNan},
       {1.1283791670955126, 0.4151074974205947, 0.4151074974205947, 0, 0, 0, kNan}},
      {"sqrt",
       ops::sqrt,
       {4, 0.25, 0, kInf, -1, kNan},
       {2, 0.5, 0, kInf, kNan, kNan},
       {0.25, 1, kInf, 0, kNan, kNan}},
      {"square", ops::square, {3, -0.5, 0, -kInf, kNan}, {9, 0.25, 0, kInf, kNan}, {6, -1, 0, -kInf, kNan}},
      {"absolute",
       ops::absolute,
       {3, -0.5, 0, -0.0, -kInf, kNan},
       {3, 0.5, 0, 0, kInf, kNan},
       {1, -1, 0, 0, -1, kNan}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool create_graph = GENERATE(false, true);
  INFO(c.name << " " << dtype);
  const Variable x = variable(c.x, dtype, true);
  const Variable y = c.op(x);
  CHECK(y.dtype() == dtype);
  CHECK(y.creator()->name() == c.name);
  CHECK(close(y, c.y));
  const Variable gy{Array::ones(x.shape(), dtype)};
  CHECK(close(grad({y}, {x}, {gy}, {.create_graph = create_graph})[0], c.gx));
}

TEST_CASE("sign, floor and ceil are constants", "[math]") {
  struct Case {
    Variable (*op)(const Variable&);
    std::vector<double> y;
  };
  const auto c = GENERATE(values<Case>({{ops::sign, {-1, -1, 0, 0, 1, 1, -1, kNan}},
                                        {ops::floor, {-2, -1, 0, 0, 0, kInf, -kInf, kNan}},
                                        {ops::ceil, {-1, 0, 0, 0, 1, kInf, -kInf, kNan}}}));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x = variable({-1.5, -0.5, -0.0, 0, 0.5, kInf, -kInf, kNan}, dtype, true);
  const Variable y = c.op(x);
  CHECK(y.dtype() == dtype);
  CHECK(allclose(y.data(), variable(c.y, dtype).data(), 0, 0, true));
  CHECK_FALSE(y.requires_grad());
  CHECK_FALSE(y.creator());
  CHECK(close(grad({y * x}, {x}, {Variable{Array::ones(x.shape(), dtype)}})[0], c.y));
}

TEST_CASE("exp and log reach the ends of the range", "[math]") {
  const auto largest = [](double x, DType dtype) { return ops::exp(variable({x}, dtype)).item(); };
  CHECK(largest(88.5, DType::float32) == Approx(std::exp(88.5)).epsilon(1e-6));
  CHECK(largest(-95, DType::float32) == Approx(std::exp(-95.0)).epsilon(1e-3));
  CHECK(largest(88.8, DType::float32) == kInf);
  CHECK(largest(-110, DType::float32) == 0);
  CHECK(largest(709.5, DType::float64) == Approx(std::exp(709.5)).epsilon(1e-14));
  CHECK(largest(-730, DType::float64) == Approx(std::exp(-730.0)).epsilon(1e-3));
  CHECK(largest(710, DType::float64) == kInf);
  CHECK(largest(-750, DType::float64) == 0);
  CHECK(ops::log(variable({1e-40}, DType::float32)).item() ==
        Approx(std::log(static_cast<double>(1e-40F))).epsilon(1e-6));
  CHECK(ops::log(variable({1e-310}, DType::float64)).item() == Approx(std::log(1e-310)).epsilon(1e-15));
  CHECK(ops::log(variable({5e-324}, DType::float64)).item() == Approx(std::log(5e-324)).epsilon(1e-15));
}

TEST_CASE("powers, values and gradients by hand", "[math]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool create_graph = GENERATE(false, true);
  INFO(dtype);
  const Variable a = variable({2, 4, -3, 0, 0, -2}, dtype, true);
  const Variable b = variable({3, 0.5, 2, 2, 0, 0.5}, dtype, true);
  const Variable y = ops::pow(a, b);
  CHECK(y.creator()->name() == "pow");
  CHECK(close(y, {8, 2, 9, 0, 1, kNan}));
  const Variables g =
      grad({y}, {a, b}, {Variable{Array::ones(y.shape(), dtype)}}, {.create_graph = create_graph});
  CHECK(close(g[0], {12, 0.25, -6, 0, kNan, kNan}));
  CHECK(close(g[1], {8 * std::log(2.0), 2 * std::log(4.0), kNan, kNan, -kInf, kNan}));

  struct Case {
    double value;
    std::vector<double> y, gx;
  };
  const Variable x = variable({2, -1, 0, 4}, dtype, true);
  const Variable gy{Array::ones(x.shape(), dtype)};
  const auto powers =
      GENERATE(values<Case>({{3, {8, -1, 0, 64}, {12, 3, 0, 48}},
                             {2, {4, 1, 0, 16}, {4, -2, 0, 8}},
                             {1, {2, -1, 0, 4}, {1, 1, 1, 1}},
                             {0, {1, 1, 1, 1}, {0, 0, 0, 0}},
                             {-1, {0.5, -1, kInf, 0.25}, {-0.25, -1, -kInf, -0.0625}},
                             {0.5, {std::sqrt(2.0), kNan, 0, 2}, {0.5 / std::sqrt(2.0), kNan, kInf, 0.25}}}));
  INFO("value " << powers.value);
  const Variable power = ops::pow_scalar(x, powers.value);
  CHECK(power.creator()->name() == "pow_scalar");
  CHECK(close(power, powers.y));
  CHECK(close(grad({power}, {x}, {gy}, {.create_graph = create_graph})[0], powers.gx));
  CHECK(close(ops::rpow_scalar(x, 3), {9, 1.0 / 3, 1, 81}));
}

TEST_CASE("rpow_scalar's gradient has the logarithm of the number", "[math]") {
  const Variable x = variable({-1, 0, 2}, DType::float64, true);
  const Variable gy{Array::ones({3}, DType::float64)};
  const double ln2 = std::log(2.0);
  const Variable y = ops::rpow_scalar(x, 2);
  CHECK(y.creator()->attributes() == Attributes{{"value", "2"}});
  CHECK(close(grad({y}, {x}, {gy})[0], {0.5 * ln2, ln2, 4 * ln2}));
  CHECK(close(grad({ops::rpow_scalar(x, 1)}, {x}, {gy})[0], {0, 0, 0}));
  CHECK(close(ops::rpow_scalar(x, -2), {-0.5, 1, 4}));
  CHECK(close(grad({ops::rpow_scalar(x, -2)}, {x}, {gy})[0], {kNan, kNan, kNan}));
}

TEST_CASE("powers of a constant by the second order", "[math]") {
  const Variable x = variable({2, -1, 0}, DType::float64, true);
  const Variable ones{Array::ones({3}, DType::float64)};
  const auto second = [&](double value) {
    const Variable gx = grad({ops::pow_scalar(x, value)}, {x}, {ones}, {.create_graph = true})[0];
    return grad({gx}, {x}, {ones})[0];
  };
  CHECK(close(second(3), {12, -6, 0}));
  CHECK(close(second(2), {2, 2, 2}));
  CHECK(close(second(1), {0, 0, 0}));
}

TEST_CASE("math keeps what its gradients read", "[math]") {
  const Variable x = variable({1, 2}, DType::float64, true);
  const Variable by_output = ops::exp(x);
  CHECK(x.data().is_unique());
  CHECK_FALSE(by_output.data().is_unique());
  const Variable by_input = ops::log(x);
  CHECK_FALSE(x.data().is_unique());
  CHECK(by_input.data().is_unique());
}

TEST_CASE("pow refuses what does not fit", "[math][errors]") {
  CHECK_THROWS_MATCHES(
      ops::pow(variable({1, 2}, DType::float32), variable({1, 2, 3}, DType::float32)), ShapeError,
      Message("pow: a and b must broadcast (axis -1: a has 2, b has 3)\n"
              "  a: float32 [2]\n"
              "  b: float32 [3]\n"
              "  hint: axes are aligned at the last one; sizes must be equal or 1, so reshape "
              "the smaller one with axes of size 1"));
}

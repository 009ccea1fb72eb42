// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/trigonometry.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <support/tolerance.hpp>
#include <support/values.hpp>

using namespace fathom;
using test::kInf;
using test::kNan;
using test::variable;

namespace {

constexpr double kPi = std::numbers::pi;

}  // namespace

TEST_CASE("trigonometric and hyperbolic functions, values and gradients by hand", "[trigonometry][math]") {
  struct Case {
    const char* name;
    Variable (*op)(const Variable&);
    std::vector<double> x, y, gx;
  };
  const double half = std::sqrt(0.5);
  const auto c = GENERATE_COPY(values<Case>({
      {"sin",
       ops::sin,
       {0, kPi / 2, -kPi / 4, kInf, -kInf, kNan},
       {0, 1, -half, kNan, kNan, kNan},
       {1, 0, half, kNan, kNan, kNan}},
      {"cos",
       ops::cos,
       {0, kPi / 2, -kPi / 4, kInf, -kInf, kNan},
       {1, 0, half, kNan, kNan, kNan},
       {0, -1, half, kNan, kNan, kNan}},
      {"tan",
       ops::tan,
       {0, kPi / 4, -kPi / 4, kInf, -kInf, kNan},
       {0, 1, -1, kNan, kNan, kNan},
       {1, 2, 2, kNan, kNan, kNan}},
      {"arctan",
       ops::arctan,
       {0, 1, -1, 1e30, kInf, -kInf, kNan},
       {0, kPi / 4, -kPi / 4, kPi / 2, kPi / 2, -kPi / 2, kNan},
       {1, 0.5, 0.5, 0, 0, 0, kNan}},
      {"sinh",
       ops::sinh,
       {0, std::log(2.0), -std::log(2.0), 1000, kInf, -kInf, kNan},
       {0, 0.75, -0.75, kInf, kInf, -kInf, kNan},
       {1, 1.25, 1.25, kInf, kInf, kInf, kNan}},
      {"cosh",
       ops::cosh,
       {0, std::log(2.0), -std::log(2.0), 1000, kInf, -kInf, kNan},
       {1, 1.25, 1.25, kInf, kInf, kInf, kNan},
       {0, 0.75, -0.75, kInf, kInf, -kInf, kNan}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool create_graph = GENERATE(false, true);
  INFO(c.name << " " << dtype);
  const Variable x = variable(c.x, dtype, true);
  const Variable y = c.op(x);
  CHECK(y.dtype() == dtype);
  CHECK(y.creator()->name() == c.name);
  const double tolerance = test::element_tolerance(dtype);
  CHECK(allclose(y.data(), variable(c.y, dtype).data(), tolerance, tolerance, true));
  const Variable gy{Array::ones(x.shape(), dtype)};
  CHECK(allclose(grad({y}, {x}, {gy}, {.create_graph = create_graph})[0].data(), variable(c.gx, dtype).data(),
                 tolerance, tolerance, true));
}

TEST_CASE("sin and cos have all their digits near their zeros and far out", "[trigonometry][math]") {
  // The last one is 14.5 pi up to rounding, where a careless reduction leaves few digits.
  for (const double x : {kPi, 1e22, 45.553093477052002}) {
    CHECK(ops::sin(variable({x}, DType::float64)).item() == Approx(std::sin(x)).epsilon(1e-15).margin(0));
    CHECK(ops::cos(variable({x}, DType::float64)).item() == Approx(std::cos(x)).epsilon(1e-15).margin(0));
  }
  CHECK(ops::sin(variable({kPi}, DType::float32)).item() ==
        Approx(std::sin(static_cast<double>(static_cast<float>(kPi)))).epsilon(1e-6).margin(0));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/reduction.hpp>

#include <support/tolerance.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/threads.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("sum and mean over axes, by hand", "[reduction]") {
  struct Case {
    std::optional<Axes> axis;
    bool keepdims;
    Shape shape;
    std::vector<double> sums;
    double count;  ///< elements of one sum
  };
  // x[i, j, k] = 12 i + 4 j + k, shape [2, 3, 4]
  const auto c = GENERATE(values<Case>({
      {std::nullopt, false, {}, {276}, 24},
      {std::nullopt, true, {1, 1, 1}, {276}, 24},
      {Axes{0}, false, {3, 4}, {12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34}, 2},
      {Axes{1}, false, {2, 4}, {12, 15, 18, 21, 48, 51, 54, 57}, 3},
      {Axes{-1}, false, {2, 3}, {6, 22, 38, 54, 70, 86}, 4},
      {Axes{-1}, true, {2, 3, 1}, {6, 22, 38, 54, 70, 86}, 4},
      {Axes{2, 0}, false, {3}, {60, 92, 124}, 8},
      {Axes{0, -1}, true, {1, 3, 1}, {60, 92, 124}, 8},
      {Axes{1, 2}, false, {2}, {66, 210}, 12},
  }));
  const ops::ReductionOptions options{.axis = c.axis, .keepdims = c.keepdims};
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x{Array::arange(24, dtype).reshape({2, 3, 4}), true};
  const Array sums = Array::from(c.sums, c.shape).astype(dtype);

  const Variable sum = ops::sum(x, options);
  CHECK(identical(sum.data(), sums));
  const Variable ones{Array::ones(c.shape, dtype)};
  CHECK(identical(grad({sum}, {x}, {ones})[0].data(), Array::ones(x.shape(), dtype)));

  const Variable mean = ops::mean(x, options);
  REQUIRE(mean.shape() == c.shape);
  CHECK(mean.dtype() == dtype);
  std::vector<double> means = c.sums;
  for (double& value : means) value /= c.count;
  const double tolerance = test::element_tolerance(dtype);
  CHECK(allclose(mean.data(), Array::from(means, c.shape).astype(dtype), tolerance, 0));
  CHECK(allclose(grad({mean}, {x}, {ones})[0].data(), Array::full(x.shape(), 1 / c.count, dtype), tolerance,
                 0));
}

TEST_CASE("reductions of nothing and of everything that is not finite", "[reduction]") {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Variable empty{Array::zeros({0, 3}, DType::float32), true};
  CHECK(identical(ops::sum(empty).data(), Array::scalar(0, DType::float32)));
  CHECK(identical(ops::sum(empty, {.axis = Axes{0}}).data(), Array::zeros({3}, DType::float32)));
  CHECK(ops::sum(empty, {.axis = Axes{1}}).shape() == Shape{0});
  CHECK(std::isnan(ops::mean(empty).item()));
  CHECK(allclose(ops::mean(empty, {.axis = Axes{0}}).data(), Array::full({3}, nan, DType::float32), 0, 0,
                 true));
  CHECK(ops::mean(empty, {.axis = Axes{1}}).shape() == Shape{0});
  CHECK(grad({ops::mean(empty)}, {empty})[0].shape() == Shape{0, 3});

  const Variable x{Array::from({inf, 1.0, inf, -inf, nan, 2.0}, {3, 2})};
  CHECK(allclose(ops::sum(x, {.axis = Axes{1}}).data(), Array::from({inf, nan, nan}, {3}), 0, 0, true));
}

TEST_CASE("sums are added up in double and have the same bits for any number of threads", "[reduction]") {
  const auto axes =
      GENERATE(std::optional<Axes>{}, std::optional<Axes>{Axes{0}}, std::optional<Axes>{Axes{1}});
  const std::int64_t rows = 700;
  const std::int64_t columns = 1000;
  const Variable x{Array::full({rows, columns}, 0.1, DType::float32)};
  const int before = num_threads();
  std::vector<Array> results;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    results.push_back(ops::sum(x, {.axis = axes}).data());
  }
  set_num_threads(before);
  CHECK(identical(results[0], results[1]));
  CHECK(identical(results[0], results[2]));
  const double exact = static_cast<double>(0.1F) * static_cast<double>(rows * columns) /
                       static_cast<double>(results[0].size());
  CHECK(allclose(results[0], Array::full(results[0].shape(), exact, DType::float32), 1e-7, 0));
}

TEST_CASE("reductions refuse axes that do not exist", "[reduction][errors]") {
  const Variable x{Array::zeros({2, 3}, DType::float32)};
  const auto [op, name] =
      GENERATE(table<Variable (*)(const Variable&, const ops::ReductionOptions&), std::string>(
          {{ops::sum, "sum"}, {ops::mean, "mean"}}));
  CHECK_THROWS_MATCHES(
      op(x, {.axis = Axes{2}}), ValueError,
      Message(name + ": axis 2 is out of range (x has 2 axes)\n  hint: axes go from -2 to 1"));
  CHECK_THROWS_MATCHES(
      op(x, {.axis = Axes{0, -3}}), ValueError,
      Message(name + ": axis -3 is out of range (x has 2 axes)\n  hint: axes go from -2 to 1"));
  CHECK_THROWS_MATCHES(op(x, {.axis = Axes{1, -1}}), ValueError,
                       Message(name + ": axis 1 of x is named twice in [1, -1]\n"
                                      "  hint: name each axis once; negative ones count from the end"));
  CHECK_THROWS_MATCHES(
      op(Variable{}, {}), GraphError,
      Message(name + ": x must not be undefined\n  x: undefined\n"
                     "  hint: Variable{} is legal for optional arguments only; give a deferred "
                     "parameter its data with initialize"));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/reduction.hpp>

#include <support/tolerance.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/get_item.hpp>

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

TEST_CASE("max and min over axes, by hand", "[reduction]") {
  struct Case {
    std::optional<Axes> axis;
    bool keepdims;
    Shape shape;
    std::vector<double> largest, smallest;
  };
  // Elements 1, 9 and 0 come twice.
  const Array data = Array::from<double>({3, 9, 1, 0, 7, 5, 0, 8, 2, 9, 6, 1}, {2, 3, 2});
  const auto c = GENERATE(values<Case>({
      {std::nullopt, false, {}, {9}, {0}},
      {std::nullopt, true, {1, 1, 1}, {9}, {0}},
      {Axes{0}, false, {3, 2}, {3, 9, 2, 9, 7, 5}, {0, 8, 1, 0, 6, 1}},
      {Axes{1}, false, {2, 2}, {7, 9, 6, 9}, {1, 0, 0, 1}},
      {Axes{-1}, true, {2, 3, 1}, {9, 1, 7, 8, 9, 6}, {3, 0, 5, 0, 2, 1}},
      {Axes{2, 0}, false, {3}, {9, 9, 7}, {0, 0, 1}},
      {Axes{}, false, {2, 3, 2}, {3, 9, 1, 0, 7, 5, 0, 8, 2, 9, 6, 1}, {3, 9, 1, 0, 7, 5, 0, 8, 2, 9, 6, 1}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto [op, is_max] = GENERATE(table<Variable (*)(const Variable&, const ops::ReductionOptions&), bool>(
      {{ops::max, true}, {ops::min, false}}));
  const Variable x{data.astype(dtype), true};
  const Variable y = op(x, {.axis = c.axis, .keepdims = c.keepdims});
  const std::vector<double>& values = is_max ? c.largest : c.smallest;
  CHECK(identical(y.data(), Array::from(values, c.shape).astype(dtype)));
  // Every element that equals its extremum gets the gradient, also at ties: the sum over all of x of (x is
  // extremal) is that over y of the number of ties.
  const Array gx = grad({y}, {x}, {Variable(Array::ones(c.shape, dtype))})[0].data();
  const Array kept =
      Array::from(values, reduced_shape(ArgumentCheck("max"), x.shape(), c.axis, true)).astype(dtype);
  CHECK(identical(gx, equal(x.data(), broadcast_to(kept, x.shape())).astype(dtype)));
}

TEST_CASE("max and min of what is not finite, and of nothing", "[reduction]") {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::int64_t length : {1, 3, 8, 9, 20, 300}) {
    for (const Axes& axes : {Axes{1}, Axes{0}}) {
      Array data = Array::full({length, length}, -inf, DType::float64);
      CHECK(ops::max(ops::max(Variable{data}, {.axis = axes})).item() == -inf);
      data.mutable_data<double>()[length * length - 1] = nan;
      const Variable x{data, true};
      const Variable y = ops::max(x, {.axis = axes});
      CHECK(std::isnan(y.data().data<double>()[length - 1]));
      CHECK(std::isnan(ops::min(x).item()));
      // NaN equals nothing, so nothing of its row gets a gradient.
      const Array gx = grad({ops::get_item(y, {-1})}, {x})[0].data();
      CHECK(identical(gx, Array::zeros({length, length}, DType::float64)));
    }
  }
  const Variable empty{Array::zeros({0, 3}, DType::float32), true};
  CHECK(ops::max(empty, {.axis = Axes{1}}).shape() == Shape{0});
  CHECK(ops::min(empty, {.axis = Axes{1}, .keepdims = true}).shape() == Shape{0, 1});
  CHECK_THROWS_MATCHES(ops::max(empty), ValueError,
                       Message("max: x must have elements to choose from ([0, 3] to [])\n"
                               "  x: float32 [0, 3]\n  hint: leave empty arrays out"));
  CHECK_THROWS_MATCHES(ops::min(empty, {.axis = Axes{0}}), ValueError,
                       Message("min: x must have elements to choose from ([0, 3] to [3])\n"
                               "  x: float32 [0, 3]\n  hint: leave empty arrays out"));
}

TEST_CASE("products of nothing and with zeros", "[reduction]") {
  const Variable empty{Array::zeros({0, 3}, DType::float32), true};
  CHECK(identical(ops::prod(empty, {.axis = Axes{0}}).data(), Array::ones({3}, DType::float32)));
  CHECK(ops::prod(empty, {.axis = Axes{1}}).shape() == Shape{0});
  CHECK(ops::prod(empty).item() == 1);
  for (const std::int64_t length : {1, 2, 3, 5, 8, 13}) {
    const Variable x{Array::full({length}, 2, DType::float64)};
    CHECK(ops::prod(x, {.keepdims = true}).item() == std::ldexp(1, static_cast<int>(length)));
  }
  const Variable x{Array::from({2.0, 0.0, 3.0, 0.0, 5.0, 0.0}, {2, 3}), true};
  const Variable y = ops::prod(x, {.axis = Axes{-1}});
  CHECK(identical(y.data(), Array::zeros({2}, DType::float64)));
  const Variable gx = grad({ops::sum(y)}, {x}, {}, {.create_graph = true})[0];
  CHECK(identical(gx.data(), Array::from({0.0, 6.0, 0.0, 0.0, 0.0, 0.0}, {2, 3})));
  // The derivative by both zeros of the second row is the element between them.
  const Variable second = grad({ops::get_item(gx, {1, 0})}, {x})[0];
  CHECK(identical(second.data(), Array::from({0.0, 0.0, 0.0, 0.0, 0.0, 5.0}, {2, 3})));
}

TEST_CASE("average counts elements by their weights", "[reduction]") {
  const Variable x{Array::from({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3}), true};
  const Variable w{Array::from({1.0, 0.0, 3.0}, {3}), true};
  CHECK(identical(ops::average(x, w, {.axis = Axes{1}}).data(), Array::from({2.5, 5.5}, {2})));
  CHECK(ops::average(x, w, {.axis = Axes{-1}, .keepdims = true}).shape() == Shape{2, 1});
  CHECK(ops::average(x).item() == 3.5);
  CHECK(ops::average(x, x, {.keepdims = true}).shape() == Shape{1, 1});
  CHECK(ops::average(x, x).item() == Approx(91.0 / 21).epsilon(1e-15));
  const std::string described = "\n  x:       float64 [2, 3]\n  weights: float64 [3]\n  hint: ";
  CHECK_THROWS_MATCHES(ops::average(x, w, {.axis = Axes{0, 1}}), ValueError,
                       Message("average: weights go along one axis (axis names 2)" + described +
                               "leave axis out and give each element of x a weight"));
  CHECK_THROWS_MATCHES(
      ops::average(x, w), ShapeError,
      Message("average: weights must have the shape [2, 3], that of x, since no axis is named (it has [3])" +
              described + "reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_AS(ops::average(x, w, {.axis = Axes{0}}), ShapeError);
}

TEST_CASE("logsumexp does not overflow and takes infinities", "[reduction]") {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x{
      Array::from({1000.0, 1000.0, -1000.0, -inf, -inf, -inf, inf, 0.0, nan, 1.0}, {5, 2}).astype(dtype),
      true};
  const Variable y = ops::logsumexp(x, {.axis = Axes{1}});
  const double tolerance = test::element_tolerance(dtype);
  CHECK(allclose(y.data(), Array::from({1000 + std::log(2.0), -1000.0, -inf, inf, nan}, {5}).astype(dtype),
                 tolerance, 0, true));
  const Array gx = grad({y}, {x}, {Variable(Array::ones({5}, dtype))})[0].data();
  CHECK(allclose(gx, Array::from({0.5, 0.5, 1.0, 0.0, 0.0, 0.0, nan, 0.0, nan, nan}, {5, 2}).astype(dtype),
                 tolerance, 0, true));
  CHECK(ops::logsumexp(x, {.axis = Axes{0, 1}, .keepdims = true}).shape() == Shape{1, 1});
  CHECK_THROWS_MATCHES(ops::logsumexp(Variable{Array::zeros({2, 0}, dtype)}, {.axis = Axes{1}}), ValueError,
                       Message("logsumexp: x must have elements to add up ([2, 0] to [2])\n  x: " +
                               std::string(to_string(dtype)) + " [2, 0]\n  hint: leave empty arrays out"));
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
          {{ops::sum, "sum"},
           {ops::mean, "mean"},
           {ops::prod, "prod"},
           {ops::logsumexp, "logsumexp"},
           {ops::max, "max"},
           {ops::min, "min"}}));
  const std::string rest = "\n  x: float32 [2, 3]\n  hint: axes count from 0, negative ones from the end";
  CHECK_THROWS_MATCHES(op(x, {.axis = Axes{2}}), ValueError,
                       Message(name + ": axis must lie in [-2, 1] (it is 2)" + rest));
  CHECK_THROWS_MATCHES(op(x, {.axis = Axes{0, -3}}), ValueError,
                       Message(name + ": axis must lie in [-2, 1] (it is -3)" + rest));
  CHECK_THROWS_MATCHES(op(x, {.axis = Axes{1, -1}}), ValueError,
                       Message(name + ": axis 1 is named twice in [1, -1]\n  x: float32 [2, 3]\n"
                                      "  hint: name each axis once; negative ones count from the end"));
  CHECK_THROWS_MATCHES(
      op(Variable{}, {}), GraphError,
      Message(name + ": x must not be undefined\n  x: undefined\n"
                     "  hint: Variable{} is legal for optional arguments only; give a deferred "
                     "parameter its data with initialize"));
}

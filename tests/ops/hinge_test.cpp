// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/hinge.hpp>

#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Array matrix(std::initializer_list<double> numbers) { return Array::from(numbers, {2, 3}); }

/// Equal but for the sign of 0.
bool same(const Array& a, const Array& b) { return allclose(a, b, 0, 0); }

// The margins violated are 0 1 1.5 in the first row, 0 3 0.5 in the second.
const std::initializer_list<double> kScores = {-1, 0, 0.5, 5, 2, -0.5};
const std::initializer_list<std::int64_t> kLabels = {1, 0};

}  // namespace

TEST_CASE("hinge by hand", "[hinge]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto label_dtype = GENERATE(DType::int32, DType::int64);
  const Variable x(matrix(kScores).astype(dtype), true);
  const Array t = Array::from(kLabels, {2}).astype(label_dtype);
  const auto gx = [&](const Variable& y, double gy) {
    return grad({y}, {x}, {Variable(Array::full(y.shape(), gy, dtype))})[0].data().astype(DType::float64);
  };
  const Variable each = ops::hinge(x, t, {.reduce = ops::Reduce::no});
  CHECK(identical(each.data().astype(DType::float64), matrix({0, 1, 1.5, 0, 3, 0.5})));
  // At the margin itself, the first score, the gradient is 0.
  CHECK(same(gx(each, 2), matrix({0, -2, 2, 0, 2, 2})));
  const Variable mean = ops::hinge(x, t);
  CHECK(mean.shape() == Shape{});
  CHECK(mean.item() == 3);
  CHECK(same(gx(mean, 2), matrix({0, -1, 1, 0, 1, 1})));
  CHECK(ops::hinge(x, t, {.reduce = ops::Reduce::sum}).item() == 6);

  const Variable squares = ops::hinge(x, t, {.norm = ops::HingeNorm::L2, .reduce = ops::Reduce::no});
  CHECK(identical(squares.data().astype(DType::float64), matrix({0, 1, 2.25, 0, 9, 0.25})));
  CHECK(same(gx(squares, 2), matrix({0, -4, 6, 0, 12, 2})));
  CHECK(ops::hinge(x, t, {.norm = ops::HingeNorm::L2}).item() == 6.25);
}

TEST_CASE("hinge of nothing is NaN, as a mean of nothing is", "[hinge]") {
  const Variable x(Array::zeros({0, 3}, DType::float32), true);
  const Array t = Array::zeros({0}, DType::int64);
  const Variable y = ops::hinge(x, t);
  CHECK(std::isnan(y.item()));
  backward(y);
  CHECK(x.grad().shape() == Shape{0, 3});
  CHECK(ops::hinge(x, t, {.reduce = ops::Reduce::sum}).item() == 0);
}

TEST_CASE("hinge refuses what does not fit", "[hinge][errors]") {
  const Variable x(matrix(kScores));
  const auto call = [&](const Array& t) { static_cast<void>(ops::hinge(x, t)); };
  CHECK_THROWS_MATCHES(call(Array::from<std::int64_t>({1, 3}, {2})), ValueError,
                       Message("hinge: labels must lie in [0, 3) (t[1] is 3)\n"
                               "  x: float64 [2, 3]  (n, classes)\n"
                               "  t: int64 [2]       (n)\n"
                               "  hint: x has one score for each class along axis 1; labels count from 0"));
  CHECK_THROWS_AS(call(Array::from<std::int64_t>({1, -1}, {2})), ValueError);
  CHECK_THROWS_MATCHES(
      call(Array::zeros({3}, DType::int32)), ShapeError,
      Message("hinge: t must have the shape [2], one label for each row of x (it has [3])\n"
              "  x: float64 [2, 3]  (n, classes)\n"
              "  t: int32 [3]       (n)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(call(Array::zeros({2}, DType::float64)), DTypeError,
                       Message("hinge: t must be int32 or int64 (it is float64)\n"
                               "  x: float64 [2, 3]  (n, classes)\n"
                               "  t: float64 [2]     (n)\n"
                               "  hint: convert it with astype"));
  CHECK_THROWS_AS(call({}), GraphError);
}

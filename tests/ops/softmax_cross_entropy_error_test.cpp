// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/softmax_cross_entropy.hpp>

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using Options = ops::SoftmaxCrossEntropyOptions;

namespace {

Array labels(std::initializer_list<std::int64_t> numbers) {
  return Array::from(numbers, {static_cast<std::int64_t>(numbers.size())});
}

}  // namespace

TEST_CASE("labels changed between forward and backward are noticed", "[softmax_cross_entropy][errors]") {
  const Variable x(Array::zeros({2, 3}, DType::float32), true);
  Array t = labels({0, 1});
  const Variable y = ops::softmax_cross_entropy(x, t);
  t.mutable_data<std::int64_t>()[0] = 2;
  CHECK_THROWS_MATCHES(
      backward(y), GraphError,
      Message("softmax_cross_entropy: t was changed in place after forward, so its gradient would be wrong\n"
              "  t: int64 [2]\n"
              "  hint: run backward before changing it, or change a copy()"));
}

TEST_CASE("softmax_cross_entropy refuses what does not fit", "[softmax_cross_entropy][errors]") {
  const Variable x(Array::zeros({3, 4}, DType::float32));
  const auto call = [](const Variable& input, const Array& t, const Options& options = {},
                       const Array& weight = {}) {
    static_cast<void>(ops::softmax_cross_entropy(input, t, options, weight));
  };
  CHECK_THROWS_MATCHES(
      call(x, labels({0, 4, 1})), ValueError,
      Message("softmax_cross_entropy: labels must lie in [0, 4) or be the ignored -1 (t[1] is 4)\n"
              "  x: float32 [3, 4]  (n, classes, d...)\n"
              "  t: int64 [3]       (n, d...)\n"
              "  hint: x has one score for each class along axis 1; labels count from 0"));
  CHECK_THROWS_MATCHES(
      call(Variable(Array::zeros({1, 2, 2, 3}, DType::float32)),
           Array::from<std::int32_t>({0, 1, 0, 1, -2, 0}, {1, 2, 3})),
      ValueError,
      Message("softmax_cross_entropy: labels must lie in [0, 2) or be the ignored -1 (t[0, 1, 1] is -2)\n"
              "  x: float32 [1, 2, 2, 3]  (n, classes, d...)\n"
              "  t: int32 [1, 2, 3]       (n, d...)\n"
              "  hint: x has one score for each class along axis 1; labels count from 0"));
  CHECK_THROWS_MATCHES(
      call(x, labels({0, 1})), ShapeError,
      Message("softmax_cross_entropy: t must have the shape [3], that of x without axis 1 (it has [2])\n"
              "  x: float32 [3, 4]  (n, classes, d...)\n"
              "  t: int64 [2]       (n, d...)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(
      call(x, Array::zeros({3, 1}, DType::int32)), ShapeError,
      Message("softmax_cross_entropy: t must have the shape [3], that of x without axis 1 (it has [3, 1])\n"
              "  x: float32 [3, 4]  (n, classes, d...)\n"
              "  t: int32 [3, 1]    (n, d...)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(call(x, Array::zeros({3}, DType::float32)), DTypeError,
                       Message("softmax_cross_entropy: t must be int32 or int64 labels [3], or soft targets "
                               "in the shape of x (it is float32 [3])\n"
                               "  x: float32 [3, 4]  (n, classes, d...)\n"
                               "  t: float32 [3]     (n, classes, d...)\n"
                               "  hint: convert labels with astype(DType::int64)"));
  CHECK_THROWS_MATCHES(
      call(x, Array::zeros({3, 4}, DType::float64)), DTypeError,
      Message("softmax_cross_entropy: t must have the dtype of x (x is float32, t is float64)\n"
              "  x: float32 [3, 4]  (n, classes, d...)\n"
              "  t: float64 [3, 4]  (n, classes, d...)\n"
              "  hint: types are never mixed silently; convert one with astype(DType::float32)"));
  CHECK_THROWS_MATCHES(call(x, Array::zeros({3}, DType::uint8)), DTypeError,
                       Message("softmax_cross_entropy: t must be int32 or int64 (it is uint8)\n"
                               "  x: float32 [3, 4]  (n, classes, d...)\n"
                               "  t: uint8 [3]       (n, d...)\n"
                               "  hint: convert it with astype"));
  CHECK_THROWS_MATCHES(
      call(x, labels({0, 1, 2}), {}, Array::ones({3}, DType::float32)), ShapeError,
      Message("softmax_cross_entropy: class_weight must have the shape [4], one for each "
              "class of x (it has [3])\n"
              "  x:            float32 [3, 4]  (n, classes, d...)\n"
              "  t:            int64 [3]       (n, d...)\n"
              "  class_weight: float32 [3]     (classes)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(call(Variable(Array::zeros({3}, DType::float32)), labels({0, 1, 2})), ShapeError,
                       Message("softmax_cross_entropy: x must have at least 2 axes (it has 1)\n"
                               "  x: float32 [3]  (n, classes, d...)\n"
                               "  t: int64 [3]    (n, d...)\n"
                               "  hint: axis 1 holds the scores; a single sample is x.reshape({1, -1})"));
  CHECK_THROWS_MATCHES(call({}, labels({0})), GraphError,
                       Message("softmax_cross_entropy: x must not be undefined\n"
                               "  x: undefined  (n, classes, d...)\n"
                               "  t: int64 [1]  (n, d...)\n"
                               "  hint: Variable{} is legal for optional arguments only; give a deferred "
                               "parameter its data with initialize"));
  CHECK_THROWS_AS(call(x, {}), GraphError);
}

TEST_CASE("label smoothing is a share", "[softmax_cross_entropy][errors]") {
  const double wrong = GENERATE(-0.1, 1.5, std::numeric_limits<double>::quiet_NaN());
  CHECK_THROWS_MATCHES(
      ops::softmax_cross_entropy(Variable(Array::zeros({2, 3}, DType::float32)), labels({0, 1}),
                                 {.label_smoothing = wrong}),
      ValueError,
      Message(fmt::format("softmax_cross_entropy: label_smoothing must lie in [0, 1] (it is {})\n"
                          "  x: float32 [2, 3]  (n, classes, d...)\n"
                          "  t: int64 [2]       (n, d...)\n"
                          "  hint: it is a share; 0.1 is usual, 0 turns it off",
                          wrong)));
}

// SPDX-License-Identifier: BSD-3-Clause
// The words of the errors of batch_normalization and fixed_batch_normalization.
#include <catch2/catch.hpp>

#include <fathom/core/error.hpp>
#include <fathom/ops/batch_normalization.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Variable ones(const Shape& shape, DType dtype = DType::float32) {
  return Variable(Array::ones(shape, dtype));
}

}  // namespace

TEST_CASE("batch_normalization refuses what does not fit, and changes nothing",
          "[batch_normalization][errors]") {
  const Variable x = ones({2, 3, 4, 4});
  const Variable three = ones({3});
  ops::RunningStatistics running{Array::full({3}, 7, DType::float32), Array::full({3}, 2, DType::float32)};
  const auto call = [&](const Variable& a, const Variable& gamma, const Variable& beta,
                        const ops::BatchNormalizationOptions& options = {}) {
    static_cast<void>(ops::batch_normalization(a, gamma, beta, &running, options));
  };

  CHECK_THROWS_MATCHES(
      call(x, ones({4}), three), ShapeError,
      Message("batch_normalization: gamma must have the shape [3], that of x without the "
              "averaged axes (it has [4])\n"
              "  x:                float32 [2, 3, 4, 4]  (n, c, h, w)\n"
              "  gamma:            float32 [4]           (c)\n"
              "  beta:             float32 [3]           (c)\n"
              "  running.mean:     float32 [3]           (c)\n"
              "  running.variance: float32 [3]           (c)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(
      call(ones({2, 3, 4}), three, three, {.axis = Axes{0}}), ShapeError,
      Message("batch_normalization: gamma must have the shape [3, 4], that of x without the "
              "averaged axes (it has [3])\n"
              "  x:                float32 [2, 3, 4]\n"
              "  gamma:            float32 [3]\n"
              "  beta:             float32 [3]\n"
              "  running.mean:     float32 [3]\n"
              "  running.variance: float32 [3]\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(call(ones({3}), three, three), ShapeError,
                       Message("batch_normalization: x must have at least 2 axes (it has 1)\n"
                               "  x:                float32 [3]  (n, c, d...)\n"
                               "  gamma:            float32 [3]  (c)\n"
                               "  beta:             float32 [3]  (c)\n"
                               "  running.mean:     float32 [3]  (c)\n"
                               "  running.variance: float32 [3]  (c)\n"
                               "  hint: axis 1 holds the channels; name the averaged axes with .axis"));
  CHECK_THROWS_MATCHES(
      call(x, three, ones({3}, DType::float64)), DTypeError,
      Message("batch_normalization: beta must have the dtype of x (x is float32, beta is float64)\n"
              "  x:                float32 [2, 3, 4, 4]  (n, c, h, w)\n"
              "  gamma:            float32 [3]           (c)\n"
              "  beta:             float64 [3]           (c)\n"
              "  running.mean:     float32 [3]           (c)\n"
              "  running.variance: float32 [3]           (c)\n"
              "  hint: types are never mixed silently; convert one with astype(DType::float32)"));
  CHECK_THROWS_MATCHES(call(x, three, {}), GraphError,
                       Message("batch_normalization: beta must not be undefined\n"
                               "  x:                float32 [2, 3, 4, 4]  (n, c, h, w)\n"
                               "  gamma:            float32 [3]           (c)\n"
                               "  beta:             undefined             (c)\n"
                               "  running.mean:     float32 [3]           (c)\n"
                               "  running.variance: float32 [3]           (c)\n"
                               "  hint: Variable{} is legal for optional arguments only; give a deferred "
                               "parameter its data with initialize"));
  CHECK_THROWS_MATCHES(call(x, three, three, {.eps = -1}), ValueError,
                       Message("batch_normalization: eps must be at least 0 (it is -1)\n"
                               "  x:                float32 [2, 3, 4, 4]  (n, c, h, w)\n"
                               "  gamma:            float32 [3]           (c)\n"
                               "  beta:             float32 [3]           (c)\n"
                               "  running.mean:     float32 [3]           (c)\n"
                               "  running.variance: float32 [3]           (c)\n"
                               "  hint: eps keeps the variance away from 0; 2e-5 is usual"));
  CHECK_THROWS_MATCHES(call(x, three, three, {.decay = 1.5}), ValueError,
                       Message("batch_normalization: decay must lie in [0, 1] (it is 1.5)\n"
                               "  x:                float32 [2, 3, 4, 4]  (n, c, h, w)\n"
                               "  gamma:            float32 [3]           (c)\n"
                               "  beta:             float32 [3]           (c)\n"
                               "  running.mean:     float32 [3]           (c)\n"
                               "  running.variance: float32 [3]           (c)\n"
                               "  hint: decay is the share of the old average that is kept; 0.9 is usual"));
  CHECK_THROWS_MATCHES(call(x, three, three, {.axis = Axes{0, 4}}), ValueError,
                       Message("batch_normalization: axis must lie in [-4, 3] (it is 4)\n"
                               "  x:                float32 [2, 3, 4, 4]\n"
                               "  gamma:            float32 [3]\n"
                               "  beta:             float32 [3]\n"
                               "  running.mean:     float32 [3]\n"
                               "  running.variance: float32 [3]\n"
                               "  hint: axes count from 0, negative ones from the end"));
  CHECK(identical(running.mean, Array::full({3}, 7, DType::float32)));
  CHECK(identical(running.variance, Array::full({3}, 2, DType::float32)));

  running.variance = Array::zeros({2}, DType::float32);
  CHECK_THROWS_MATCHES(
      call(x, three, three), ShapeError,
      Message("batch_normalization: running.variance must have the shape [3], that of x "
              "without the averaged axes (it has [2])\n"
              "  x:                float32 [2, 3, 4, 4]  (n, c, h, w)\n"
              "  gamma:            float32 [3]           (c)\n"
              "  beta:             float32 [3]           (c)\n"
              "  running.mean:     float32 [3]           (c)\n"
              "  running.variance: float32 [2]           (c)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK(identical(running.mean, Array::full({3}, 7, DType::float32)));
}

TEST_CASE("fixed_batch_normalization refuses what does not fit", "[batch_normalization][errors]") {
  const Variable x = ones({2, 3});
  const Variable three = ones({3});
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::fixed_batch_normalization(x, three, three, three, ones({2}))), ShapeError,
      Message("fixed_batch_normalization: variance must have the shape [3], that of x "
              "without the averaged axes (it has [2])\n"
              "  x:        float32 [2, 3]  (n, c)\n"
              "  gamma:    float32 [3]     (c)\n"
              "  beta:     float32 [3]     (c)\n"
              "  mean:     float32 [3]     (c)\n"
              "  variance: float32 [2]     (c)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::fixed_batch_normalization({}, three, three, three, three)),
                       GraphError,
                       Message("fixed_batch_normalization: x must not be undefined\n"
                               "  x:        undefined\n"
                               "  gamma:    float32 [3]  (c)\n"
                               "  beta:     float32 [3]  (c)\n"
                               "  mean:     float32 [3]  (c)\n"
                               "  variance: float32 [3]  (c)\n"
                               "  hint: Variable{} is legal for optional arguments only; give a deferred "
                               "parameter its data with initialize"));
}

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

namespace fathom::ops::cross_entropy {

/// What is given besides x, checked, and how the terms are weighed:
///
///     loss = -sum_k q[k] * log softmax(x)[k],   dloss/dx = sum(q) * softmax(x) - q,
///
/// where q is the target distribution of a position times class weight and `scale`; a label has one q that is
/// not 0.
struct Problem {
  std::int64_t outer = 1;  ///< x is (outer, classes, inner)
  std::int64_t classes = 1;
  std::int64_t inner = 1;
  Shape x_shape;
  Shape labels_shape;  ///< (n, d...)
  bool soft = false;
  double scale = 1;  ///< one over the divisor of the mean
  Array t;
  Array class_weight;
  SoftmaxCrossEntropyOptions options;

  [[nodiscard]] std::int64_t positions() const { return outer * inner; }
};

/// Throws GraphError, ShapeError, DTypeError, ValueError before anything is allocated.
[[nodiscard]] Problem check(const Array& x, const Array& t, const SoftmaxCrossEntropyOptions& options,
                            const Array& class_weight);

/// log(sum_k exp(x[k])) of each position, float64 (n, d...).
[[nodiscard]] Array log_sum_exp(const Problem& problem, const Array& x);
/// exp(x - log_sums)
[[nodiscard]] Array softmax(const Problem& problem, const Array& x, const Array& log_sums);
/// The loss of every position, float64 (n, d...).
[[nodiscard]] Array losses(const Problem& problem, const Array& x, const Array& log_sums);
/// gx = gy * (sum(q) * softmax(x) - q), or added to gx; gy is () or (n, d...).
void input_gradient(const Problem& problem, const Array& x, const Array& log_sums, const Array& gy,
                    bool accumulate, Array& gx);
/// q as an array of x's shape, and its sum over the classes (n, 1, d...).
struct Targets {
  Array q;
  Array total;
};
[[nodiscard]] Targets targets(const Problem& problem, DType dtype);

}  // namespace fathom::ops::cross_entropy

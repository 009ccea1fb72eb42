// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>
#include <fathom/ops/softmax/passes.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

namespace fathom::ops::cross_entropy {

/// What is given besides x, checked, and how the terms are weighed:
///
///     loss = -sum_k q[k] * log softmax(x)[k],   dloss/dx = sum(q) * softmax(x) - q,
///
/// where q is the target distribution of a position, smoothed, times class weight and `scale`; without
/// smoothing a label has one q that is not 0.
struct Problem {
  detail::Lines lines;  ///< x's, along the classes
  Shape x_shape;
  Shape labels_shape;  ///< (n, d...)
  bool soft = false;
  double scale = 1;  ///< one over the divisor of the mean
  Array t;
  Array class_weight;
  SoftmaxCrossEntropyOptions options;

  /// How many classes of a position have to be looked at.
  [[nodiscard]] std::int64_t targets() const {
    return soft || options.label_smoothing != 0 ? lines.length : 1;
  }
};

/// Throws GraphError, ShapeError, DTypeError, ValueError before anything is allocated.
[[nodiscard]] Problem check(const Array& x, const Array& t, const SoftmaxCrossEntropyOptions& options,
                            const Array& class_weight);

/// The loss of every position, float64 (n, d...). Here and below, `normalizers` is that of the softmax
/// family.
[[nodiscard]] Array losses(const Problem& problem, const Array& x, const Array& normalizers);
/// gx = gy * (sum(q) * softmax(x) - q); gy is () or (n, d...).
[[nodiscard]] Array input_gradient(const Problem& problem, const Array& x, const Array& normalizers,
                                   const Array& gy);
/// q as an array of x's shape, and its sum over the classes (n, 1, d...).
struct Targets {
  Array q;
  Array total;
};
[[nodiscard]] Targets targets(const Problem& problem, DType dtype);

}  // namespace fathom::ops::cross_entropy

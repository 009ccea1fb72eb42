// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {

/// What is measured for soft targets t. Gradients are the same: t does not depend on x.
enum class SoftTargetLoss : std::uint8_t {
  cross_entropy,  ///< -sum_k t[k] log softmax(x)[k]
  kl_divergence   ///< sum_k t[k] (log(t[k] + 1e-7) - log softmax(x)[k]), Chainer's form
};

struct SoftmaxCrossEntropyOptions {
  std::int64_t ignore_label = -1;  ///< positions with this label count nothing
  bool normalize = true;           ///< mean: over the labels that are not ignored, else over the batch size n
  Reduce reduce = Reduce::mean;
  double label_smoothing = 0;  ///< share of each target, in [0, 1], that is spread evenly over all classes
  SoftTargetLoss soft_target_loss = SoftTargetLoss::cross_entropy;
};

/// -log softmax(x)[t] along axis 1, or, for soft targets, -sum_k t[k] * log softmax(x)[k].
/// With label smoothing e the target is (1 - e) t[k] + e / classes, t being 1 at the label and 0 elsewhere,
/// or the soft target. Class weights multiply each class's term afterwards, so that every class with a weight
/// takes part: PyTorch's definition. Ignored labels are not smoothed; they count nothing.
/// @param x (n, classes, d...)
/// @param t labels, int32 or int64 (n, d...), in [0, classes) or ignore_label; or soft targets, x's dtype and
/// shape: probabilities, of which ignore_label takes no notice. Either is data without gradient.
/// @param class_weight (classes), x's dtype, or undefined: factor of each class's term
/// @return mean and sum: (); no: (n, d...). The mean divides by the number of labels not ignored, at least 1;
/// with `normalize` false by n; for soft targets by n * d.... Class weights are not part of the divisor.
/// @throws ShapeError, DTypeError, ValueError (label out of range, naming it and its position;
/// label_smoothing outside [0, 1]) Differentiable any number of times with respect to x. Source of label
/// smoothing: C. Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016.
[[nodiscard]] FATHOM_EXPORT Variable softmax_cross_entropy(const Variable& x, const Array& t,
                                                           const SoftmaxCrossEntropyOptions& options = {},
                                                           const Array& class_weight = {});

}  // namespace fathom::ops

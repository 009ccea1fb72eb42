// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {

struct SigmoidCrossEntropyOptions {
  std::int64_t ignore_label = -1;  ///< elements with this target count nothing
  bool normalize = true;           ///< mean: over the elements that are not ignored, else over the batch size
  Reduce reduce = Reduce::mean;
};

/// -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), elementwise, computed from the score x as
/// max(x, 0) - x t + log(1 + exp(-|x|)), which does not overflow; infinite scores are taken too.
/// @param t x's shape; int32 or int64, 0 or 1, or x's dtype, in [0, 1]; or ignore_label. Data without
/// gradient.
/// @return mean and sum: (); no: x's shape. The mean divides by the number of elements not ignored, at least
/// 1; with `normalize` false by the size of axis 0.
/// @throws ShapeError, DTypeError, ValueError (target out of range, naming it and its position)
/// Differentiable any number of times with respect to x.
[[nodiscard]] FATHOM_EXPORT Variable sigmoid_cross_entropy(const Variable& x, const Array& t,
                                                           const SigmoidCrossEntropyOptions& options = {});

}  // namespace fathom::ops

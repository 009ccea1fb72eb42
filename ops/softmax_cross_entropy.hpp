// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

enum class Reduce : std::uint8_t { mean, no };

struct SoftmaxCrossEntropyOptions {
  std::int64_t ignore_label = -1;  ///< rows with this label count nothing
  bool normalize = true;           ///< mean: divide by the number of labels not ignored (at least 1), else by the batch
  Reduce reduce = Reduce::mean;    ///< no: the loss of every label, shape of t
};

/// -log softmax(x)[t] along axis 1.
/// @param x (n, classes, d...)   @param t int32 or int64 (n, d...), labels in [0, classes) or ignore_label
/// @param class_weight (classes), x's dtype, or undefined: factor of each class's loss; not part of the divisor
/// @return () or the shape of t   @throws ShapeError, DTypeError, ValueError (label out of range, naming it)
[[nodiscard]] FATHOM_EXPORT Variable softmax_cross_entropy(const Variable& x, const Array& t,
                                                           const SoftmaxCrossEntropyOptions& options = {},
                                                           const Array& class_weight = {});

}  // namespace fathom::ops

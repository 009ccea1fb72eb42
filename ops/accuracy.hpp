// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct AccuracyOptions {
  std::optional<std::int64_t> ignore_label = std::nullopt;  ///< positions with this label count nothing
  std::int64_t top = 1;  ///< how many of the largest scores may be the label's: 5 for top-5 accuracy
};

/// The share of positions whose largest score, or one of the `top` largest, is that of the label; at ties the
/// first of the largest, and a NaN counts as the largest. No gradient.
/// @param y scores (n, classes, d...), float32 or float64
/// @param t labels, int32 or int64 (n, d...), in [0, classes) or ignore_label
/// @return (), y's dtype; 0 where nothing counts
/// @throws ShapeError, DTypeError, ValueError (label out of range, naming it and its position; `top` not in
/// [1, classes])
[[nodiscard]] FATHOM_EXPORT Array accuracy(const Array& y, const Array& t,
                                           const AccuracyOptions& options = {});
/// The same, of what a net gave.
[[nodiscard]] FATHOM_EXPORT Array accuracy(const Variable& y, const Array& t,
                                           const AccuracyOptions& options = {});

struct ConfusionMatrixOptions {
  std::optional<std::int64_t> ignore_label = std::nullopt;  ///< positions with this label count nothing
};

/// How often which class is taken for which: m[i, j] counts the positions with label i whose largest score is
/// that of class j, found as in accuracy. No gradient.
/// @param y scores (n, classes, d...), float32 or float64
/// @param t labels, int32 or int64 (n, d...), in [0, classes) or ignore_label
/// @return int64 (classes, classes)
/// @throws as accuracy
[[nodiscard]] FATHOM_EXPORT Array confusion_matrix(const Array& y, const Array& t,
                                                   const ConfusionMatrixOptions& options = {});
/// The same, of what a net gave.
[[nodiscard]] FATHOM_EXPORT Array confusion_matrix(const Variable& y, const Array& t,
                                                   const ConfusionMatrixOptions& options = {});

}  // namespace fathom::ops

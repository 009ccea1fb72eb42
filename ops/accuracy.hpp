// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct AccuracyOptions {
  std::optional<std::int64_t> ignore_label = std::nullopt;  ///< positions with this label count nothing
};

/// The share of positions whose largest score is that of the label; at ties the first of the largest, and a
/// NaN counts as the largest. No gradient.
/// @param y scores (n, classes, d...), float32 or float64
/// @param t labels, int32 or int64 (n, d...), in [0, classes) or ignore_label
/// @return (), y's dtype; 0 where nothing counts
/// @throws ShapeError, DTypeError, ValueError (label out of range, naming it and its position)
[[nodiscard]] FATHOM_EXPORT Array accuracy(const Array& y, const Array& t,
                                           const AccuracyOptions& options = {});
/// The same, of what a net gave.
[[nodiscard]] FATHOM_EXPORT Array accuracy(const Variable& y, const Array& t,
                                           const AccuracyOptions& options = {});

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// Each element along `axis` repeated: one number of times for all, or as many as its own number says; 0
/// leaves it out. nullopt takes x flattened. The gradient of an element is the sum over its copies.
/// @throws ValueError for an axis out of range, a negative number, and unless there is one number or as many
/// as elements.
[[nodiscard]] FATHOM_EXPORT Variable repeat(const Variable& x, const std::vector<std::int64_t>& repeats,
                                            std::optional<std::int64_t> axis = std::nullopt);
[[nodiscard]] inline Variable repeat(const Variable& x, std::int64_t repeats,
                                     std::optional<std::int64_t> axis = std::nullopt) {
  return repeat(x, std::vector{repeats}, axis);
}

/// x laid out `reps[i]` times along axis i, as a whole. Numbers and axes are aligned at the last one; numbers
/// that are left out are 1, and there is a new axis of x for each that is too many. The gradient of an
/// element is the sum over its copies.
/// @throws ValueError for a negative number.
[[nodiscard]] FATHOM_EXPORT Variable tile(const Variable& x, const std::vector<std::int64_t>& reps);
[[nodiscard]] inline Variable tile(const Variable& x, std::int64_t reps) {
  return tile(x, std::vector{reps});
}

}  // namespace fathom::ops

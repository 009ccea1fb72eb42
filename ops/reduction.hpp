// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// What a loss gives of its terms: their mean or sum, shape (), or each of them.
enum class Reduce : std::uint8_t { mean, sum, no };
[[nodiscard]] FATHOM_EXPORT std::string_view to_string(Reduce reduce);

struct ReductionOptions {
  std::optional<Axes> axis = std::nullopt;  ///< nullopt: all; negative counts from the end
  bool keepdims = false;                    ///< reduced axes stay with size 1
};

/// Sum over axes; of nothing it is 0. Throws ValueError for an axis out of range or named twice, DTypeError.
[[nodiscard]] FATHOM_EXPORT Variable sum(const Variable& x, const ReductionOptions& options = {});
/// Mean over axes; of nothing it is NaN. Throws as sum.
[[nodiscard]] FATHOM_EXPORT Variable mean(const Variable& x, const ReductionOptions& options = {});
/// Largest element over axes; NaN if there is one. Every element that equals it gets the whole gradient, also
/// at ties; none does where it is NaN. Throws as sum, and ValueError where there is no element to choose
/// from.
[[nodiscard]] FATHOM_EXPORT Variable max(const Variable& x, const ReductionOptions& options = {});
/// Smallest element over axes; the rest as in max.
[[nodiscard]] FATHOM_EXPORT Variable min(const Variable& x, const ReductionOptions& options = {});

namespace detail {
/// What a loss gives of its `terms`. The mean divides by `count`, which not every loss takes from their size.
[[nodiscard]] Variable reduced(const Variable& terms, Reduce reduce, std::int64_t count);
}  // namespace detail

}  // namespace fathom::ops

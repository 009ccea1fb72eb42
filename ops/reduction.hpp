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
/// Mean over axes, each element counted by its weight: sum(x w) / sum(w), without `weights` as mean. They
/// have the shape (size) of the one axis that is named, or x's where none is. Both get a gradient.
/// @throws as sum; ShapeError, DTypeError when the weights do not fit x, ValueError for weights with several
/// axes named.
[[nodiscard]] FATHOM_EXPORT Variable average(const Variable& x, const Variable& weights = {},
                                             const ReductionOptions& options = {});
/// Product over axes; of nothing it is 1. Derivatives of every order are products as well: they are right
/// where elements are 0. Throws as sum.
[[nodiscard]] FATHOM_EXPORT Variable prod(const Variable& x, const ReductionOptions& options = {});
/// log(sum(exp(x))) over axes, without overflow; gx = gy softmax(x). Of nothing but -inf it is -inf with
/// gradient 0; where there is inf it is inf, and the gradient at it NaN.
/// @throws as sum, and ValueError where there is no element to add up.
[[nodiscard]] FATHOM_EXPORT Variable logsumexp(const Variable& x, const ReductionOptions& options = {});
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

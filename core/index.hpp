// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/view.hpp>

namespace fathom {

/// Python's start:stop:step. What is left out is the end that the step comes from or goes to; negative
/// positions count from the end, and those beyond an end are cut off there. `Slice{}` is all of the axis,
/// `Slice{.step = -1}` the axis reversed.
struct Slice {
  std::optional<std::int64_t> start{}, stop{};
  std::int64_t step = 1;
};

/// `newaxis` puts an axis of size 1 there.
struct NewAxis {};
inline constexpr NewAxis newaxis{};

/// `ellipsis` stands for all axes that the other indices leave.
struct Ellipsis {};
inline constexpr Ellipsis ellipsis{};

/// One item of x[...]: an integer, a Slice, `newaxis`, `ellipsis`, or an int32 or int64 Array of positions.
class Index {
 public:
  template <std::integral I>
  requires(!std::same_as<I, bool>) Index(I i) : item_(static_cast<std::int64_t>(i)) {}
  Index(Slice slice) : item_(slice) {}
  Index(NewAxis) : item_(newaxis) {}
  Index(Ellipsis) : item_(ellipsis) {}
  Index(Array positions) : item_(std::move(positions)) {}

  using Item = std::variant<std::int64_t, Slice, NewAxis, Ellipsis, Array>;
  [[nodiscard]] const Item& item() const { return item_; }

 private:
  Item item_;
};

/// x[a, b, c] is `get_item(x, {a, b, c})`.
using Indices = std::vector<Index>;

/// "[1, 0:4:2, newaxis, ..., int64 [3]]"
[[nodiscard]] FATHOM_EXPORT std::string to_string(const Indices& indices);

/// What NumPy's x[indices] shows of `x`. Index arrays broadcast together; integers beside them count as index
/// arrays. Throws ShapeError for more indices than axes, or index arrays that do not broadcast; ValueError
/// for a position out of range, a step of 0 or a second ellipsis; DTypeError for arrays of another dtype; all
/// name `op`.
[[nodiscard]] FATHOM_EXPORT View index_view(std::string_view op, const Array& x, const Indices& indices);

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/core/export.hpp>

namespace fathom {

/// The sizes of an Array's axes, outermost first; `Shape{}` is the shape of a scalar. At most 8 axes, kept
/// inline. Throws ShapeError for more axes or a negative size.
class FATHOM_EXPORT Shape {
 public:
  static constexpr std::size_t kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const std::int64_t> sizes);
  explicit Shape(const std::vector<std::int64_t>& sizes) : Shape(std::span(sizes)) {}

  [[nodiscard]] std::size_t rank() const { return rank_; }
  /// Number of elements; 1 for a scalar, 0 if any axis is empty.
  [[nodiscard]] std::int64_t size() const;
  std::int64_t& operator[](std::size_t axis) { return sizes_[axis]; }
  std::int64_t operator[](std::size_t axis) const { return sizes_[axis]; }
  [[nodiscard]] std::int64_t back() const { return sizes_[rank_ - 1]; }
  void push_back(std::int64_t size);

  [[nodiscard]] const std::int64_t* begin() const { return sizes_.data(); }
  [[nodiscard]] const std::int64_t* end() const { return sizes_.data() + rank_; }
  [[nodiscard]] std::span<const std::int64_t> span() const { return {begin(), rank_}; }

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  std::array<std::int64_t, kMaxRank> sizes_{};
  std::size_t rank_ = 0;
};

/// "[2, 3, 28, 28]"
[[nodiscard]] FATHOM_EXPORT std::string to_string(const Shape& shape);
FATHOM_EXPORT std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// A vertical and a horizontal number; one number means both: `.stride = 2`, `.stride = {1, 2}`.
struct Pair2 {
  std::int64_t y = 0;  ///< along h
  std::int64_t x = 0;  ///< along w
  constexpr Pair2() = default;
  constexpr Pair2(std::int64_t both) : y(both), x(both) {}
  constexpr Pair2(std::int64_t vertical, std::int64_t horizontal) : y(vertical), x(horizontal) {}
  friend constexpr bool operator==(Pair2, Pair2) = default;
};

/// "[2, 1]"
[[nodiscard]] FATHOM_EXPORT std::string to_string(Pair2 pair);

/// The border of an image: `.pad = 1`, `.pad = {1, 2}` on both sides of both axes, or `.pad = Pad::same`, as
/// much as gives the output size / stride, rounded up. An odd pixel of that goes to the end of its axis, as
/// in TensorFlow.
class Pad {
 public:
  constexpr Pad(std::int64_t all = 0) : sides_(all) {}
  constexpr Pad(std::int64_t vertical, std::int64_t horizontal) : sides_(vertical, horizontal) {}
  constexpr Pad(Pair2 sides) : sides_(sides) {}
  static const Pad same;

  [[nodiscard]] constexpr bool is_same() const { return is_same_; }
  /// Pixels on either side; 0 for `same`.
  [[nodiscard]] constexpr Pair2 sides() const { return sides_; }
  friend constexpr bool operator==(Pad, Pad) = default;

 private:
  Pair2 sides_;
  bool is_same_ = false;
};
inline constexpr Pad Pad::same = [] {
  Pad pad;
  pad.is_same_ = true;
  return pad;
}();

/// "[1, 1]", "same"
[[nodiscard]] FATHOM_EXPORT std::string to_string(Pad pad);

/// Axes of an operation, negative ones counted from the end. `std::nullopt` where optional means all axes.
using Axes = std::vector<std::int64_t>;

/// Two sizes that NumPy's broadcasting cannot bring together.
struct BroadcastClash {
  std::size_t axis;  ///< from the end: 1 is the last
  std::int64_t size_a, size_b;
};
/// The last axis, aligned at the end, whose sizes differ and are both not 1; nullopt when the shapes
/// broadcast.
[[nodiscard]] FATHOM_EXPORT std::optional<BroadcastClash> broadcast_clash(const Shape& a, const Shape& b);

/// NumPy's broadcasting: axes aligned at the end, size 1 stretches. Throws ShapeError naming `op` and both
/// shapes.
[[nodiscard]] FATHOM_EXPORT Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);
/// Whether `from` stretches to `to`.
[[nodiscard]] FATHOM_EXPORT bool broadcasts_to(const Shape& from, const Shape& to);

/// Strides in elements of a C-contiguous array.
using Strides = std::array<std::int64_t, Shape::kMaxRank>;
[[nodiscard]] FATHOM_EXPORT Strides contiguous_strides(const Shape& shape);
/// Strides of `from` walked as `to`: 0 along stretched axes. `from` must broadcast to `to`.
[[nodiscard]] FATHOM_EXPORT Strides broadcast_strides(const Shape& from, const Shape& to);

}  // namespace fathom

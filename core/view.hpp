// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <fathom/core/array.hpp>

namespace fathom {

/// Where the elements of one array lie in another: an offset and a stride for each axis, and where index
/// arrays took part a table of further offsets. A View holds no elements; gather copies out of an array along
/// it, scatter into one. Slicing, joining, padding, transposing and stretching are views, and what one
/// gathers the other scatters, which is the gradient.
///
/// Views are made from the whole array, one step at a time: `View(x.shape()).sliced(0, 2, 3).expanded(1)`.
/// The steps trust their numbers: ops check them and word the errors.
class FATHOM_EXPORT View {
 public:
  /// All of an array of shape `base`. Throws ShapeError if that has more elements than fit 64 bits.
  explicit View(const Shape& base);

  /// `count` elements along `axis` from `start` on, `step` apart; negative steps go back.
  [[nodiscard]] View sliced(std::size_t axis, std::int64_t start, std::int64_t count,
                            std::int64_t step = 1) const;
  /// Element `i` of `axis`, which disappears.
  [[nodiscard]] View selected(std::size_t axis, std::int64_t i) const;
  /// A new axis of size 1 before `axis`.
  [[nodiscard]] View expanded(std::size_t axis) const;
  /// Axis i is the old axis `order[i]`.
  [[nodiscard]] View permuted(std::span<const std::size_t> order) const;
  /// Stretched to `shape` by NumPy's broadcasting.
  [[nodiscard]] View stretched(const Shape& shape) const;
  /// The elements named by one int64 array for each of `axes` (ascending), all of one shape; negative indices
  /// count from the end. The arrays' axes come in place of `axes`, or first when `axes` are not neighbours,
  /// as in NumPy, or count as `parted`. Once only: throws ValueError for a view that index arrays made.
  [[nodiscard]] View taken(std::span<const std::size_t> axes, std::span<const Array> indices,
                           bool parted = false) const;

  [[nodiscard]] const Shape& base() const { return base_; }
  [[nodiscard]] Shape shape() const;
  [[nodiscard]] std::size_t rank() const { return axes_.size(); }
  /// Whether an element of the base may be met more than once.
  [[nodiscard]] bool repeats() const;

  /// `stride` is in elements of the base, `table_stride` in elements of the table.
  struct Axis {
    std::int64_t size, stride, table_stride;
    [[nodiscard]] bool repeats() const { return size > 1 && (stride == 0 || table_stride != 0); }
  };
  [[nodiscard]] std::span<const Axis> axes() const { return axes_; }
  [[nodiscard]] std::int64_t offset() const { return offset_; }
  [[nodiscard]] std::span<const std::int64_t> table() const { return table_; }
  /// The entry of the table from which `table_stride` counts.
  [[nodiscard]] std::int64_t table_offset() const { return table_offset_; }

 private:
  Shape base_;
  std::vector<Axis> axes_;
  std::int64_t offset_ = 0, table_offset_ = 0;
  std::vector<std::int64_t> table_{0};
};

/// What `view` shows of `x`, as an array of its own; any dtype. Throws ShapeError unless x has the shape that
/// the view was made for.
[[nodiscard]] FATHOM_EXPORT Array gather(const Array& x, const View& view);
/// Writes `x` to the elements of `y` that `view` shows, and leaves the others; the view must not repeat any.
/// Throws ShapeError, DTypeError.
FATHOM_EXPORT void scatter(const Array& x, const View& view, Array& y);
/// Adds `x`, float32 or float64, to the elements of `y` that `view` shows; what meets one element is added in
/// the order of x, for any number of threads. Throws ShapeError, DTypeError.
FATHOM_EXPORT void scatter_add(const Array& x, const View& view, Array& y);

}  // namespace fathom

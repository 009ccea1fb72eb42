// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/shape.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/error.hpp>

namespace fathom {

Shape::Shape(std::span<const std::int64_t> sizes) {
  for (const std::int64_t size : sizes) push_back(size);
}

void Shape::push_back(std::int64_t size) {
  if (rank_ == kMaxRank) {
    throw ShapeError(
        fmt::format("Shape: at most {} axes are possible\n  hint: merge neighbouring axes", kMaxRank));
  }
  if (size < 0) {
    throw ShapeError(
        fmt::format("Shape: a size must not be negative (axis {} has {})\n  hint: -1 stands for an open size "
                    "in reshape only",
                    rank_, size));
  }
  sizes_[rank_++] = size;
}

std::int64_t Shape::size() const {
  std::int64_t product = 1;
  for (const std::int64_t size : *this) {
    if (__builtin_mul_overflow(product, size, &product)) {
      if (std::find(begin(), end(), 0) != end()) return 0;
      throw ShapeError(fmt::format(
          "Shape: {} has more elements than fit 64 bits\n  hint: look for a wrong size", to_string(*this)));
    }
  }
  return product;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape.span(), ", ")); }
std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }
std::string to_string(Pair2 pair) { return fmt::format("[{}, {}]", pair.y, pair.x); }
std::string to_string(Pad pad) { return pad.is_same() ? "same" : to_string(pad.sides()); }

std::optional<BroadcastClash> broadcast_clash(const Shape& a, const Shape& b) {
  for (std::size_t axis = 1; axis <= std::min(a.rank(), b.rank()); ++axis) {
    const std::int64_t size_a = a[a.rank() - axis];
    const std::int64_t size_b = b[b.rank() - axis];
    if (size_a != size_b && size_a != 1 && size_b != 1) return BroadcastClash{axis, size_a, size_b};
  }
  return std::nullopt;
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  if (const auto clash = broadcast_clash(a, b)) {
    throw ShapeError(fmt::format(
        "{}: the shapes {} and {} do not broadcast (axis {} from the end: {} against {})\n  hint: aligned at "
        "the end, the sizes of an axis must be equal or one of them 1",
        op, to_string(a), to_string(b), clash->axis, clash->size_a, clash->size_b));
  }
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = a.rank() >= b.rank() ? a : b;
  const std::size_t shift = result.rank() - shorter.rank();
  for (std::size_t axis = 0; axis < shorter.rank(); ++axis) {
    if (result[axis + shift] == 1) result[axis + shift] = shorter[axis];
  }
  return result;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  return !broadcast_clash(from, to) && broadcast_shapes("broadcasts_to", from, to) == to;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides{};
  std::int64_t step = 1;
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

Strides broadcast_strides(const Shape& from, const Shape& to) {
  const Strides own = contiguous_strides(from);
  Strides strides{};
  const std::size_t shift = to.rank() - from.rank();
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    strides[axis + shift] = from[axis] == 1 ? 0 : own[axis];
  return strides;
}

}  // namespace fathom

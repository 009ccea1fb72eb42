// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/view.hpp>

#include <algorithm>
#include <iterator>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>

namespace fathom {

View::View(const Shape& base) : base_(base) {
  static_cast<void>(base.size());  // throws where the strides would overflow
  const Strides strides = contiguous_strides(base);
  for (std::size_t axis = 0; axis < base.rank(); ++axis) axes_.push_back({base[axis], strides[axis], 0});
}

View View::sliced(std::size_t axis, std::int64_t start, std::int64_t count, std::int64_t step) const {
  View result = *this;
  Axis& changed = result.axes_[axis];
  result.offset_ += start * changed.stride;
  result.table_offset_ += start * changed.table_stride;
  changed.size = count;
  changed.stride *= step;
  changed.table_stride *= step;
  return result;
}

View View::selected(std::size_t axis, std::int64_t i) const {
  View result = sliced(axis, i, 1);
  result.axes_.erase(result.axes_.begin() + static_cast<std::ptrdiff_t>(axis));
  return result;
}

View View::expanded(std::size_t axis) const {
  View result = *this;
  result.axes_.insert(result.axes_.begin() + static_cast<std::ptrdiff_t>(axis), {1, 0, 0});
  return result;
}

View View::permuted(std::span<const std::size_t> order) const {
  View result = *this;
  for (std::size_t axis = 0; axis < order.size(); ++axis) result.axes_[axis] = axes_[order[axis]];
  return result;
}

View View::stretched(const Shape& shape) const {
  View result = *this;
  while (result.rank() < shape.rank()) result = result.expanded(0);
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (result.axes_[axis].size != shape[axis]) result.axes_[axis] = {shape[axis], 0, 0};
  }
  return result;
}

View View::taken(std::span<const std::size_t> axes, std::span<const Array> indices, bool parted) const {
  if (table_.size() != 1 || table_[0] != 0) {
    throw ValueError(
        "View::taken: index arrays may choose once only\n  hint: gather along this view and take from the "
        "result");
  }
  View result = *this;
  const Shape& shape = indices[0].shape();
  result.table_.assign(static_cast<std::size_t>(shape.size()), 0);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const Axis& axis = axes_[axes[k]];
    const auto* index = indices[k].data<std::int64_t>();
    for (std::int64_t& offset : result.table_) {
      const std::int64_t i = *index++;
      offset += (i < 0 ? i + axis.size : i) * axis.stride;
    }
  }
  for (std::size_t k = axes.size(); k-- > 0;)
    result.axes_.erase(result.axes_.begin() + static_cast<std::ptrdiff_t>(axes[k]));
  const bool neighbours = !parted && axes.back() - axes.front() + 1 == axes.size();
  const Strides strides = contiguous_strides(shape);
  std::vector<Axis> block;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) block.push_back({shape[axis], 0, strides[axis]});
  const auto position = static_cast<std::ptrdiff_t>(neighbours ? axes.front() : 0);
  result.axes_.insert(result.axes_.begin() + position, block.begin(), block.end());
  return result;
}

Shape View::shape() const {
  Shape shape;
  for (const Axis& axis : axes_) shape.push_back(axis.size);
  return shape;
}

bool View::repeats() const {
  return std::any_of(axes_.begin(), axes_.end(), [](const Axis& axis) { return axis.repeats(); });
}

namespace {

/// One axis of the loops that walk a contiguous array (`plain`) together with a view of another.
struct LoopAxis : View::Axis {
  std::int64_t plain;
};

/// Axes of size 1 left out, and neighbours that all operands walk with one stride merged. The last is the
/// inner loop; there is always one.
std::vector<LoopAxis> loop_axes(const View& view) {
  const Strides plain = contiguous_strides(view.shape());
  std::vector<LoopAxis> loops;
  for (std::size_t axis = 0; axis < view.rank(); ++axis) {
    const LoopAxis next{view.axes()[axis], plain[axis]};
    if (next.size == 1) continue;
    const std::int64_t outer_size = loops.empty() ? 0 : loops.back().size;
    if (outer_size != 0 && loops.back().stride == next.stride * next.size &&
        loops.back().table_stride == next.table_stride * next.size) {
      loops.back() = next;
      loops.back().size *= outer_size;
    } else {
      loops.push_back(next);
    }
  }
  if (loops.empty()) loops.push_back({{1, 0, 0}, 1});
  return loops;
}

struct Place {
  std::int64_t plain, viewed, table;
};

/// Moves `place` to iteration `index` of the loops over `axes`.
Place advance(Place place, std::int64_t index, std::span<const LoopAxis> axes) {
  for (std::size_t axis = axes.size(); axis-- > 0; index /= axes[axis].size) {
    const std::int64_t i = index % axes[axis].size;
    place.plain += i * axes[axis].plain;
    place.viewed += i * axes[axis].stride;
    place.table += i * axes[axis].table_stride;
  }
  return place;
}

std::int64_t iterations(std::span<const LoopAxis> axes) {
  std::int64_t count = 1;
  for (const LoopAxis& axis : axes) count *= axis.size;
  return count;
}

/// `count` steps along the inner axis: f(index in the contiguous array, index in the viewed one).
template <class F>
void run(const LoopAxis& inner, const std::int64_t* table, Place at, std::int64_t count, F f) {
  if (inner.table_stride != 0) {
    for (std::int64_t i = 0; i < count; ++i)
      f(at.plain + i, at.viewed + table[at.table + i * inner.table_stride]);
    return;
  }
  const std::int64_t start = at.viewed + table[at.table];
  if (inner.stride == 1) {
    for (std::int64_t i = 0; i < count; ++i) f(at.plain + i, start + i);
  } else {
    for (std::int64_t i = 0; i < count; ++i) f(at.plain + i, start + i * inner.stride);
  }
}

/// Calls f(i, j) for each element i of an array that meets element j of the view's base, in parallel.
/// `in_order`: elements that meet the same j stay in one piece of work and come in their order.
template <class F>
void for_each_pair(const View& view, bool in_order, F f) {
  std::vector<LoopAxis> outer = loop_axes(view);
  const LoopAxis inner = outer.back();
  outer.pop_back();
  std::vector<LoopAxis> ordered;
  if (in_order) {
    const auto free_end = std::stable_partition(outer.begin(), outer.end(),
                                                [](const LoopAxis& axis) { return !axis.repeats(); });
    ordered.assign(free_end, outer.end());
    outer.erase(free_end, outer.end());
  }
  // Narrow columns where rows must follow each other, so that there is work to share out.
  const std::int64_t width = in_order ? 64 : detail::kElementGrain;
  const std::int64_t block = in_order && inner.repeats() ? inner.size : std::min(inner.size, width);
  const std::int64_t blocks = (inner.size + block - 1) / block;
  const std::int64_t repeats = iterations(ordered);
  const std::int64_t grain = std::max<std::int64_t>(1, detail::kElementGrain / (block * repeats));
  parallel_for(iterations(outer) * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t first = item % blocks * block;
      Place start = advance({0, view.offset(), view.table_offset()}, item / blocks, outer);
      start = {start.plain + first, start.viewed + first * inner.stride,
               start.table + first * inner.table_stride};
      for (std::int64_t i = 0; i < repeats; ++i) {
        run(inner, view.table().data(), advance(start, i, ordered), std::min(block, inner.size - first), f);
      }
    }
  });
}

void check_scatter(std::string_view op, const Array& x, const View& view, const Array& y) {
  ArgumentCheck(op)
      .argument("y", y)
      .shape(view.base(), "that of the view's base")
      .argument("x", x)
      .same_dtype()
      .shape(view.shape(), "that of the view");
}

}  // namespace

Array gather(const Array& x, const View& view) {
  ArgumentCheck("gather").argument("x", x).shape(view.base(), "that of the view's base");
  Array y = Array::empty(view.shape(), x.dtype());
  if (y.size() == 0) return y;
  dispatch_all(x.dtype(), [&]<class T>() {
    for_each_pair(
        view, false,
        [from = x.data<T>(), to = y.mutable_data<T>()](std::int64_t i, std::int64_t j) { to[i] = from[j]; });
  });
  return y;
}

void scatter(const Array& x, const View& view, Array& y) {
  check_scatter("scatter", x, view, y);
  if (x.size() == 0) return;
  dispatch_all(x.dtype(), [&]<class T>() {
    for_each_pair(
        view, false,
        [from = x.data<T>(), to = y.mutable_data<T>()](std::int64_t i, std::int64_t j) { to[j] = from[i]; });
  });
}

void scatter_add(const Array& x, const View& view, Array& y) {
  check_scatter("scatter_add", x, view, y);
  dispatch_float(x.dtype(), "scatter_add", [&]<class T>() {
    if (x.size() == 0) return;
    for_each_pair(
        view, view.repeats(),
        [from = x.data<T>(), to = y.mutable_data<T>()](std::int64_t i, std::int64_t j) { to[j] += from[i]; });
  });
}

}  // namespace fathom

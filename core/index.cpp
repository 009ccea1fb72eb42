// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/index.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>

namespace fathom {
namespace {

template <class T>
const T* get(const Index& index) {
  return std::get_if<T>(&index.item());
}

/// Whether it uses up an axis of x.
bool takes_axis(const Index& index) {
  return get<NewAxis>(index) == nullptr && get<Ellipsis>(index) == nullptr;
}

std::string text(const Index& index) {
  if (const auto* i = get<std::int64_t>(index)) return fmt::format("{}", *i);
  if (get<NewAxis>(index) != nullptr) return "newaxis";
  if (get<Ellipsis>(index) != nullptr) return "...";
  if (const auto* array = get<Array>(index)) return describe(*array);
  const Slice& slice = *get<Slice>(index);
  const auto end = [](const auto& position) { return position ? fmt::format("{}", *position) : ""; };
  return fmt::format("{}:{}{}", end(slice.start), end(slice.stop),
                     slice.step == 1 ? "" : fmt::format(":{}", slice.step));
}

/// Goes through the items from left to right. `axis_` is the axis of x that comes next, `position_` that of
/// the view.
class Resolver {
 public:
  Resolver(std::string_view op, const Array& x, const Indices& indices)
      : check_(op), x_(x), indices_(indices), view_(x.shape()) {
    check_.argument("x", x);
  }

  View run() {
    check_counts();
    for (const Index& index : indices_) std::visit([this](const auto& item) { add(item); }, index.item());
    return arrays_.empty() ? view_ : view_.taken(array_axes_, broadcast_arrays(), parted_);
  }

 private:
  void check_counts() {
    const auto ellipses = std::count_if(indices_.begin(), indices_.end(),
                                        [](const Index& index) { return get<Ellipsis>(index) != nullptr; });
    FATHOM_CHECK(check_.hint("write Slice{} for each axis that the others would stand for"), ellipses <= 1,
                 ValueError, "only one ellipsis may stand in {}", to_string(indices_));
    const auto taken = static_cast<std::size_t>(std::count_if(indices_.begin(), indices_.end(), takes_axis));
    FATHOM_CHECK(check_.hint("newaxis and ellipsis do not count, everything else takes one axis"),
                 taken <= x_.rank(), ShapeError, "{} has {} indices for {} axes", to_string(indices_), taken,
                 x_.rank());
    left_ = x_.rank() - taken;
    has_arrays_ = std::any_of(indices_.begin(), indices_.end(),
                              [](const Index& index) { return get<Array>(index) != nullptr; });
  }

  void check_position(std::int64_t i, std::int64_t size) const {
    FATHOM_CHECK(check_.hint(size == 0 ? std::string("the axis has no elements")
                                       : fmt::format("positions go from {} to {}", -size, size - 1)),
                 i >= -size && i < size, ValueError,
                 "index {} is out of range for axis {}, which has size {}", i, axis_, size);
  }

  void add(std::int64_t i) {
    const std::int64_t size = x_.shape()[axis_];
    check_position(i, size);
    if (has_arrays_) {
      add_array(Array::full({}, static_cast<double>(i), DType::int64));
    } else {
      view_ = view_.selected(position_, i < 0 ? i + size : i);
      ++axis_;
    }
  }

  void add(const Slice& slice) {
    FATHOM_CHECK(check_.hint("negative steps walk backwards, 1 takes every element"), slice.step != 0,
                 ValueError, "the step of a slice must not be 0 (axis {}, {})", axis_, to_string(indices_));
    const std::int64_t size = x_.shape()[axis_];
    const bool forwards = slice.step > 0;
    // Backwards a slice may stop before element 0, hence the bounds -1 and size - 1.
    const std::int64_t low = forwards ? 0 : -1;
    const std::int64_t high = forwards ? size : size - 1;
    const auto position = [&](const std::optional<std::int64_t>& given, std::int64_t otherwise) {
      if (!given) return otherwise;
      return std::clamp(*given < 0 ? *given + size : *given, low, high);
    };
    const std::int64_t start = position(slice.start, forwards ? low : high);
    const std::int64_t stop = position(slice.stop, forwards ? high : low);
    const std::int64_t distance = forwards ? stop - start : start - stop;
    // The magnitude of the smallest integer does not fit; no axis is longer than the largest.
    const std::int64_t step = std::max(slice.step, -std::numeric_limits<std::int64_t>::max());
    const std::int64_t stride = forwards ? step : -step;
    const std::int64_t count = distance <= 0 ? 0 : 1 + (distance - 1) / stride;
    view_ = view_.sliced(position_++, start, count, count > 1 ? step : 1);
    ++axis_;
  }

  void add(NewAxis) { view_ = view_.expanded(position_++); }

  void add(Ellipsis) {
    // It parts index arrays though it stand for no axes.
    ellipsis_after_array_ = !arrays_.empty();
    axis_ += left_;
    position_ += left_;
  }

  void add(const Array& array) {
    FATHOM_CHECK(check_.hint(array.defined() && array.dtype() == DType::boolean
                                 ? "a mask does not select: where() keeps the shape and chooses by a mask"
                                 : "convert it with astype(DType::int64)"),
                 array.defined() && is_index(array.dtype()), DTypeError,
                 "an index array must be int32 or int64 (it is {})", describe(array));
    const Array positions = array.astype(DType::int64);
    const auto* data = positions.data<std::int64_t>();
    for (std::int64_t i = 0; i < positions.size(); ++i) check_position(data[i], x_.shape()[axis_]);
    add_array(positions);
  }

  void add_array(Array positions) {
    parted_ = parted_ || ellipsis_after_array_;
    arrays_.push_back(std::move(positions));
    array_axes_.push_back(position_++);
    ++axis_;
  }

  Arrays broadcast_arrays() const {
    Shape shape;
    for (const Array& array : arrays_) {
      FATHOM_CHECK(
          check_.hint("index arrays belong together like the arguments of add: position by position"),
          !broadcast_clash(shape, array.shape()), ShapeError, "the index arrays of {} do not broadcast",
          to_string(indices_));
      shape = broadcast_shapes("index", shape, array.shape());
    }
    Arrays result;
    for (const Array& array : arrays_) result.push_back(broadcast_to(array, shape));
    return result;
  }

  ArgumentCheck check_;
  const Array& x_;
  const Indices& indices_;
  View view_;
  std::size_t axis_ = 0, position_ = 0;
  std::size_t left_ = 0;  // axes that the ellipsis stands for
  bool has_arrays_ = false, ellipsis_after_array_ = false, parted_ = false;
  Arrays arrays_;
  std::vector<std::size_t> array_axes_;
};

}  // namespace

std::string to_string(const Indices& indices) {
  std::vector<std::string> items;
  for (const Index& index : indices) items.push_back(text(index));
  return fmt::format("[{}]", fmt::join(items, ", "));
}

View index_view(std::string_view op, const Array& x, const Indices& indices) {
  ArgumentCheck(op).argument("x", x).defined();
  return Resolver(op, x, indices).run();
}

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/array.hpp>

namespace fathom {
namespace {

constexpr std::int64_t kEdge = 3;         // elements shown at either end of a long axis
constexpr std::int64_t kFullSize = 1000;  // arrays up to this size are shown whole

template <class T>
std::string element(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<T>) {
    return fmt::format("{:.6g}", value);
  } else {
    return fmt::format("{}", value);
  }
}

/// Prints one array: every element first as a text, so that the columns can be aligned.
template <class T>
class Printer {
 public:
  explicit Printer(const Array& array)
      : data_(array.data<T>()),
        shape_(array.shape()),
        strides_(contiguous_strides(shape_)),
        whole_(array.size() <= kFullSize) {}

  std::string text() {
    walk(0, 0, [&](std::int64_t offset) { width_ = std::max(width_, element(data_[offset]).size()); });
    print(0, 0);
    return std::move(out_);
  }

 private:
  template <class Visit>
  void walk(std::size_t axis, std::int64_t offset, const Visit& visit) const {
    if (axis == shape_.rank()) return visit(offset);
    for_shown(
        axis, [&](std::int64_t i) { walk(axis + 1, offset + i * strides_[axis], visit); }, [] {});
  }

  template <class Visit, class Gap>
  void for_shown(std::size_t axis, const Visit& visit, const Gap& gap) const {
    const std::int64_t size = shape_[axis];
    const bool shortened = !whole_ && size > 2 * kEdge;
    for (std::int64_t i = 0; i < size; ++i) {
      if (shortened && i == kEdge) {
        gap();
        i = size - kEdge;
      }
      visit(i);
    }
  }

  void print(std::size_t axis, std::int64_t offset) {
    if (axis == shape_.rank()) {
      out_ += fmt::format("{:>{}}", element(data_[offset]), width_);
      return;
    }
    const bool innermost = axis + 1 == shape_.rank();
    std::string between = ",";
    if (!innermost) between.append(shape_.rank() - axis - 1, '\n');
    between.append(innermost ? 1 : axis + 1, ' ');
    out_ += '[';
    bool first = true;
    const auto separate = [&] {
      if (!first) out_ += between;
      first = false;
    };
    for_shown(
        axis,
        [&](std::int64_t i) {
          separate();
          print(axis + 1, offset + i * strides_[axis]);
        },
        [&] {
          separate();
          out_ += "...";
        });
    out_ += ']';
  }

  const T* data_;
  Shape shape_;
  Strides strides_;
  bool whole_;
  std::size_t width_ = 0;
  std::string out_;
};

}  // namespace

std::string describe(const Array& array) {
  if (!array.defined()) return "undefined";
  return fmt::format("{} {}", to_string(array.dtype()), to_string(array.shape()));
}

std::string to_string(const Array& array) {
  if (!array.defined()) return "undefined";
  std::string elements = dispatch_all(array.dtype(), [&]<class T>() { return Printer<T>(array).text(); });
  return fmt::format("{}  {}", elements, describe(array));
}

std::ostream& operator<<(std::ostream& out, const Array& array) { return out << to_string(array); }

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/check.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>

namespace fathom {

ArgumentCheck& ArgumentCheck::argument(std::string_view name, const Array& array, std::string_view axes) {
  assert(count_ < arguments_.size());
  selected_ = count_;
  arguments_[count_++] = {name, &array, axes};
  return *this;
}

ArgumentCheck& ArgumentCheck::defined() {
  for (; defined_ < count_; ++defined_) {
    if (arguments_[defined_].array->defined()) continue;
    fail<GraphError>(fmt::format("{} must not be undefined", arguments_[defined_].name),
                     "Variable{} is legal for optional arguments only; give a deferred parameter its data "
                     "with initialize");
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::select(std::string_view name) {
  defined();
  selected_ = 0;
  while (selected_ < count_ && arguments_[selected_].name != name) ++selected_;
  assert(selected_ < count_);
  return *this;
}

ArgumentCheck& ArgumentCheck::rank(std::size_t rank) {
  defined();
  if (last().array->rank() != rank) {
    fail<ShapeError>(fmt::format("{} must have {} axes{}{} (it has {})", last().name, rank,
                                 last().axes.empty() ? "" : " ", last().axes, last().array->rank()),
                     "reshape gives it the right number of axes; an axis of size 1 counts too");
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::floating() {
  defined();
  if (!is_float(last().array->dtype())) {
    fail<DTypeError>(fmt::format("{} must be float32 or float64 (it is {})", last().name,
                                 to_string(last().array->dtype())),
                     "convert it with astype");
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::index() {
  defined();
  if (!is_index(last().array->dtype())) {
    fail<DTypeError>(
        fmt::format("{} must be int32 or int64 (it is {})", last().name, to_string(last().array->dtype())),
        "convert it with astype");
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::same_dtype() {
  defined();
  const Argument& first = arguments_[0];
  if (last().array->dtype() != first.array->dtype()) {
    fail<DTypeError>(
        fmt::format("{} must have the dtype of {} ({} is {}, {} is {})", last().name, first.name, first.name,
                    to_string(first.array->dtype()), last().name, to_string(last().array->dtype())),
        fmt::format("types are never mixed silently; convert one with astype(DType::{})",
                    to_string(first.array->dtype())));
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::shape(const Shape& shape, std::string_view meaning) {
  defined();
  if (last().array->shape() != shape) {
    fail<ShapeError>(fmt::format("{} must have the shape {}, {} (it has {})", last().name, to_string(shape),
                                 meaning, to_string(last().array->shape())),
                     "reshape it if only its axes differ; otherwise look where it is made");
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::broadcast() {
  defined();
  for (std::size_t i = count_; i-- > 0;) {
    for (std::size_t j = i + 1; j < count_; ++j) {
      const auto clash = broadcast_clash(arguments_[i].array->shape(), arguments_[j].array->shape());
      if (!clash) continue;
      fail<ShapeError>(
          fmt::format("{0} and {1} must broadcast (axis -{2}: {0} has {3}, {1} has {4})", arguments_[i].name,
                      arguments_[j].name, clash->axis, clash->size_a, clash->size_b),
          "axes are aligned at the last one; sizes must be equal or 1, so reshape the smaller one with axes "
          "of size 1");
    }
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::at_least(std::string_view name, std::int64_t value, std::int64_t least,
                                       std::string_view hint) {
  if (value < least) {
    fail<ValueError>(fmt::format("{} must be at least {} (it is {})", name, least, value), hint);
  }
  return *this;
}

ArgumentCheck& ArgumentCheck::at_least(std::string_view name, Pair2 value, std::int64_t least,
                                       std::string_view hint) {
  if (value.y < least || value.x < least) {
    fail<ValueError>(fmt::format("{} must be at least {} (it is {})", name, least, to_string(value)), hint);
  }
  return *this;
}

std::size_t ArgumentCheck::axis(std::int64_t axis, std::size_t count) const {
  const auto end = static_cast<std::int64_t>(count);
  FATHOM_CHECK(
      hint("axes count from 0, negative ones from the end"), axis >= -end && axis < end, ValueError,
      "axis must {} (it is {})",
      count == 0 ? "be left out, since there are none" : fmt::format("lie in [{}, {}]", -end, end - 1), axis);
  return static_cast<std::size_t>(axis < 0 ? axis + end : axis);
}

std::vector<std::size_t> ArgumentCheck::axes(std::span<const std::int64_t> axes, std::size_t count) const {
  std::vector<std::size_t> result;
  result.reserve(axes.size());
  for (const std::int64_t each : axes) {
    const std::size_t position = axis(each, count);
    FATHOM_CHECK(hint("name each axis once; negative ones count from the end"),
                 std::find(result.begin(), result.end(), position) == result.end(), ValueError,
                 "axis {} is named twice in [{}]", position, fmt::join(axes, ", "));
    result.push_back(position);
  }
  return result;
}

std::string ArgumentCheck::text(std::string_view rule, std::string_view hint) const {
  std::string result = fmt::format("{}: {}", op_, rule);
  std::size_t name_width = 0;
  std::size_t type_width = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    name_width = std::max(name_width, arguments_[i].name.size());
    type_width = std::max(type_width, describe(*arguments_[i].array).size());
  }
  for (std::size_t i = 0; i < count_; ++i) {
    const Argument& argument = arguments_[i];
    const std::string type = describe(*argument.array);
    result += fmt::format("\n  {}:{:{}} {}", argument.name, "", name_width - argument.name.size(), type);
    if (!argument.axes.empty())
      result += fmt::format("{:{}}  {}", "", type_width - type.size(), argument.axes);
  }
  if (!hint.empty()) result += fmt::format("\n  hint: {}", hint);
  return result;
}

}  // namespace fathom

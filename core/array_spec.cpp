// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/array_spec.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/error.hpp>

namespace fathom {

ArraySpec spec_of(const Array& array) {
  return {.sizes = std::vector(array.shape().begin(), array.shape().end()), .dtype = array.dtype()};
}

bool fits_shape(const ArraySpec& spec, const Shape& shape) {
  return !spec.sizes ||
         std::equal(spec.sizes->begin(), spec.sizes->end(), shape.begin(), shape.end(),
                    [](std::int64_t known, std::int64_t size) { return known == -1 || known == size; });
}

void require_fits(std::string_view who, const ArraySpec& spec, const Array& array) {
  if (!fits_shape(spec, array.shape())) {
    throw ShapeError(fmt::format("{}: its data must be {} (got {})\n  hint: ? stands for any size", who,
                                 describe(spec), describe(array)));
  }
  if (spec.dtype && *spec.dtype != array.dtype()) {
    throw DTypeError(fmt::format("{}: its data must be {} (got {})\n  hint: convert it with astype", who,
                                 describe(spec), describe(array)));
  }
}

std::string describe(const ArraySpec& spec) {
  std::string text(spec.dtype ? to_string(*spec.dtype) : "any type");
  if (!spec.sizes) return text + " of any shape";
  text += " [";
  for (std::size_t axis = 0; axis < spec.sizes->size(); ++axis) {
    const std::int64_t size = (*spec.sizes)[axis];
    text += fmt::format("{}{}", axis == 0 ? "" : ", ", size == -1 ? "?" : std::to_string(size));
  }
  return text + ']';
}

}  // namespace fathom

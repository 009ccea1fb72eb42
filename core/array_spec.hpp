// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/core/array.hpp>

namespace fathom {

/// What is known of an array before it exists. `ArraySpec{}` is any array.
struct ArraySpec {
  std::optional<std::vector<std::int64_t>> sizes = {};  ///< -1 where unknown; absent: any shape
  std::optional<DType> dtype = {};                      ///< absent: any type
};

/// That of an array that exists.
[[nodiscard]] FATHOM_EXPORT ArraySpec spec_of(const Array& array);

[[nodiscard]] FATHOM_EXPORT bool fits_shape(const ArraySpec& spec, const Shape& shape);
/// Throws ShapeError or DTypeError naming `who` when `array` is not what was expected.
FATHOM_EXPORT void require_fits(std::string_view who, const ArraySpec& spec, const Array& array);

/// "float32 [32, ?, 3, 3]"
[[nodiscard]] FATHOM_EXPORT std::string describe(const ArraySpec& spec);

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
// fmt formatters; the only public header that includes fmt, and not part of fathom.hpp. They take the format
// specifications of strings: fmt::print("{:>12} {}\n", array.dtype(), array.shape()).
#pragma once

#include <string_view>

#include <fmt/format.h>

#include <fathom/core/array.hpp>

template <>
struct fmt::formatter<fathom::DType> : fmt::formatter<std::string_view> {
  auto format(fathom::DType dtype, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(fathom::to_string(dtype), context);
  }
};

template <>
struct fmt::formatter<fathom::Shape> : fmt::formatter<std::string_view> {
  auto format(const fathom::Shape& shape, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(fathom::to_string(shape), context);
  }
};

template <>
struct fmt::formatter<fathom::Pair2> : fmt::formatter<std::string_view> {
  auto format(fathom::Pair2 pair, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(fathom::to_string(pair), context);
  }
};

template <>
struct fmt::formatter<fathom::Array> : fmt::formatter<std::string_view> {
  auto format(const fathom::Array& array, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(fathom::to_string(array), context);
  }
};

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/dtype.hpp>

#include <fmt/format.h>

#include <fathom/core/error.hpp>

namespace fathom {

std::string_view to_string(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "float32";
    case DType::float64:
      return "float64";
    case DType::int64:
      return "int64";
    case DType::int32:
      return "int32";
    case DType::uint8:
      return "uint8";
    case DType::boolean:
      break;
  }
  return "bool";
}

std::size_t item_size(DType dtype) {
  return dispatch_all(dtype, []<class T>() { return sizeof(T); });
}

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << to_string(dtype); }

void detail::unsupported_dtype(std::string_view op, DType dtype, std::string_view allowed) {
  throw DTypeError(fmt::format("{}: the array must be {} (it is {})\n  hint: convert it with astype", op,
                               allowed, to_string(dtype)));
}

}  // namespace fathom

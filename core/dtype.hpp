// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fathom/core/export.hpp>

namespace fathom {

/// Element types of an Array. float32 and float64 are for computing; the others hold labels, indices,
/// images and masks.
enum class DType : std::uint8_t { float32, float64, int64, int32, uint8, boolean };

/// "float32", "bool", ...: NumPy's names.
[[nodiscard]] FATHOM_EXPORT std::string_view to_string(DType dtype);
[[nodiscard]] FATHOM_EXPORT std::size_t item_size(DType dtype);  ///< bytes of one element
[[nodiscard]] constexpr bool is_float(DType dtype) {
  return dtype == DType::float32 || dtype == DType::float64;
}
[[nodiscard]] constexpr bool is_index(DType dtype) { return dtype == DType::int64 || dtype == DType::int32; }
FATHOM_EXPORT std::ostream& operator<<(std::ostream& out, DType dtype);

namespace detail {
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> : std::integral_constant<DType, DType::float32> {};
template <>
struct DTypeOf<double> : std::integral_constant<DType, DType::float64> {};
template <>
struct DTypeOf<std::int64_t> : std::integral_constant<DType, DType::int64> {};
template <>
struct DTypeOf<std::int32_t> : std::integral_constant<DType, DType::int32> {};
template <>
struct DTypeOf<std::uint8_t> : std::integral_constant<DType, DType::uint8> {};
template <>
struct DTypeOf<bool> : std::integral_constant<DType, DType::boolean> {};

/// Throws DTypeError: `op` has no kernel for `dtype`; `allowed` names the types it has.
[[noreturn]] FATHOM_EXPORT void unsupported_dtype(std::string_view op, DType dtype, std::string_view allowed);
}  // namespace detail

/// The DType of a C++ element type: `dtype_of<float> == DType::float32`.
template <class T>
inline constexpr DType dtype_of = detail::DTypeOf<T>::value;

/// The only road from a computing dtype to its C++ type: calls `f.template operator()<T>()` with float or
/// double. Throws DTypeError naming `op` for every other dtype.
template <class F>
decltype(auto) dispatch_float(DType dtype, std::string_view op, F&& f) {
  switch (dtype) {
    case DType::float32:
      return std::forward<F>(f).template operator()<float>();
    case DType::float64:
      return std::forward<F>(f).template operator()<double>();
    default:
      detail::unsupported_dtype(op, dtype, "float32 or float64");
  }
}

/// As dispatch_float for labels and indices: int32 or int64.
template <class F>
decltype(auto) dispatch_index(DType dtype, std::string_view op, F&& f) {
  switch (dtype) {
    case DType::int64:
      return std::forward<F>(f).template operator()<std::int64_t>();
    case DType::int32:
      return std::forward<F>(f).template operator()<std::int32_t>();
    default:
      detail::unsupported_dtype(op, dtype, "int32 or int64");
  }
}

/// As dispatch_float for code that handles every dtype (copying, casting, printing, files).
template <class F>
decltype(auto) dispatch_all(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return std::forward<F>(f).template operator()<float>();
    case DType::float64:
      return std::forward<F>(f).template operator()<double>();
    case DType::int64:
      return std::forward<F>(f).template operator()<std::int64_t>();
    case DType::int32:
      return std::forward<F>(f).template operator()<std::int32_t>();
    case DType::uint8:
      return std::forward<F>(f).template operator()<std::uint8_t>();
    case DType::boolean:
      break;
  }
  return std::forward<F>(f).template operator()<bool>();
}

}  // namespace fathom

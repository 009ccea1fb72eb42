// SPDX-License-Identifier: BSD-3-Clause
// The bridge to xtensor; the only public header that includes it, and not part of fathom.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xtensor.hpp>

#include <fathom/core/array.hpp>

namespace fathom {

/// The array's elements as a read-only xtensor expression, without copying. Throws DTypeError when T is not
/// the array's element type.
///
///     Array y = from_xtensor(xt::exp(as_xtensor<double>(x)) + 1.0);
///
/// Traps: it does not keep the array alive. xtensor expressions are lazy and refer to their operands: do not
/// keep one in `auto` and do not return one from a function; finish it with from_xtensor or in an xt::xarray
/// first. Do not use `xt::evaluation_strategy::immediate` (it crashes with g++ 12 in C++20). Reductions and
/// broadcasts are many times slower than a loop: not for what is hot.
template <class T>
[[nodiscard]] auto as_xtensor(const Array& array) {
  const std::vector<std::size_t> shape(array.shape().begin(), array.shape().end());
  return xt::adapt(array.data<T>(), static_cast<std::size_t>(array.size()), xt::no_ownership(), shape);
}
template <class T>
auto as_xtensor(Array&& array) = delete;  // it would outlive its array

/// The same for writing, through `mutable_data`: all arrays that share the buffer change, and its version
/// rises once, now. Assign with `xt::noalias(as_mutable_xtensor<T>(array)) = ...` or element by element; the
/// shape stays.
template <class T>
[[nodiscard]] auto as_mutable_xtensor(Array& array) {
  const std::vector<std::size_t> shape(array.shape().begin(), array.shape().end());
  return xt::adapt(array.mutable_data<T>(), static_cast<std::size_t>(array.size()), xt::no_ownership(),
                   shape);
}

namespace detail {
/// The Array element type for a C++ number: floats, bool and uint8 as they are, other integers int32 where
/// they fit, else int64.
template <class T>
using ElementFor =
    std::conditional_t<std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bool> ||
                           std::is_same_v<T, std::uint8_t>,
                       T,
                       std::conditional_t<(sizeof(T) < 4 || (sizeof(T) == 4 && std::is_signed_v<T>)),
                                          std::int32_t, std::int64_t>>;
}  // namespace detail

/// Evaluates an xtensor expression into a new Array. Integers that Arrays do not have become int32 where
/// every value fits, else int64 (xt::argmax, xt::arange<int>).
template <class Expression>
[[nodiscard]] Array from_xtensor(const xt::xexpression<Expression>& expression) {
  const Expression& source = expression.derived_cast();
  using Value = std::decay_t<typename Expression::value_type>;
  static_assert(std::is_integral_v<Value> || std::is_same_v<Value, float> || std::is_same_v<Value, double>,
                "from_xtensor: Arrays hold float, double, integers and bool; convert with xt::cast first");
  using Element = detail::ElementFor<Value>;
  Shape shape;
  for (const auto size : source.shape()) shape.push_back(static_cast<std::int64_t>(size));
  Array result = Array::empty(shape, dtype_of<Element>);
  auto target = as_mutable_xtensor<Element>(result);
  if constexpr (std::is_same_v<Element, Value>) {
    xt::noalias(target) = source;
  } else {
    xt::noalias(target) = xt::cast<Element>(source);
  }
  return result;
}

}  // namespace fathom

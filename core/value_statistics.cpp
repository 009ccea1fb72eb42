// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/value_statistics.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace fathom {

ValueStatistics value_statistics(const Array& array) {
  ValueStatistics result;
  const auto note = [&](std::int64_t i, double value) {
    if (std::isnan(value)) {
      if (result.nan++ == 0) result.first_nan = i;
    } else if (std::isinf(value)) {
      if (result.infinite++ == 0) result.first_infinite = i;
    } else {
      result.least = result.finite == 0 ? value : std::min(result.least, value);
      result.greatest = result.finite == 0 ? value : std::max(result.greatest, value);
      ++result.finite;
    }
  };
  dispatch_all(array.dtype(), [&]<class T>() {
    const T* data = array.data<T>();
    for (std::int64_t i = 0; i < array.size(); ++i) note(i, static_cast<double>(data[i]));
  });
  return result;
}

bool all_finite(const Array& array) {
  if (!is_float(array.dtype())) return true;
  bool result = true;
  dispatch_float(array.dtype(), "all_finite", [&]<class T>() {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    // NaN and the infinities are what has every bit of the exponent.
    const Bits exponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
    const T* data = array.data<T>();
    Bits bad = 0;
    for (std::int64_t i = 0; i < array.size(); ++i) {
      bad |= static_cast<Bits>((std::bit_cast<Bits>(data[i]) & exponent) == exponent);
    }
    result = bad == 0;
  });
  return result;
}

std::string to_string(const ValueStatistics& statistics) {
  std::string text = statistics.nan + statistics.infinite == 0 ? "all finite" : "";
  if (statistics.nan > 0) text += fmt::format("{} nan, ", statistics.nan);
  if (statistics.infinite > 0) text += fmt::format("{} inf, ", statistics.infinite);
  if (statistics.nan + statistics.infinite > 0) text += fmt::format("{} finite", statistics.finite);
  if (statistics.finite == 0) return text;
  return text + fmt::format(", from {:.6g} to {:.6g}", statistics.least, statistics.greatest);
}

}  // namespace fathom

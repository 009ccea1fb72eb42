// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <limits>

/// Reductions: where a total starts, what an element does to it, and two totals to each other.
namespace fathom::detail {

struct SumFold {
  template <class T>
  using Total = double;
  template <class T>
  static constexpr double start = 0;
  static constexpr double add(double total, double x) { return total + x; }
};

/// The largest element for `sign` 1, the smallest for -1; a NaN, once met, stays.
template <int sign>
struct ExtremumFold {
  template <class T>
  using Total = T;
  template <class T>
  static constexpr T start = -sign* std::numeric_limits<T>::infinity();
  template <class T>
  static constexpr T add(T total, T x) {
    const bool is_better = sign > 0 ? x > total : x < total;
    return is_better || x != x ? x : total;
  }
};
using MaxFold = ExtremumFold<1>;
using MinFold = ExtremumFold<-1>;

}  // namespace fathom::detail

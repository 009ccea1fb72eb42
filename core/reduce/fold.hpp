// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <limits>

/// Reductions: where a total starts, and what an element does to it, or two totals to each other: numbers, or
/// the compiler's vectors of numbers.
namespace fathom::detail {

struct SumFold {
  template <class T>
  using Total = double;
  template <class T>
  static constexpr double start = 0;
  template <class V>
  static constexpr void add(V& total, const V& x) {
    total += x;
  }
};

/// The largest element for `sign` 1, the smallest for -1; a NaN, once met, stays.
template <int sign>
struct ExtremumFold {
  template <class T>
  using Total = T;
  template <class T>
  static constexpr T start = -sign* std::numeric_limits<T>::infinity();
  template <class V>
  static constexpr void add(V& total, const V& x) {
    total = ((sign > 0 ? x > total : x < total) | (x != x)) ? x : total;
  }
};
using MaxFold = ExtremumFold<1>;
using MinFold = ExtremumFold<-1>;

}  // namespace fathom::detail

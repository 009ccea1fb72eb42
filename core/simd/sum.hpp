// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: sums over rows.
#pragma once

#include <cstdint>

#include <fathom/core/simd/lanes.hpp>

namespace fathom::simd {
namespace {

/// A sum of rows, in lanes until it is asked for: their order depends on the rows' lengths alone. Lanes are
/// of type T, so that a sum should see some thousands of elements; add such sums up in double.
template <class T>
class RowSum {
 public:
  RowSum() {
    for (Batch<T>& sum : sums_) sum = Batch<T>(T(0));
  }

  /// Adds the elements [0, count) of a row: f(i) is the vector of elements i, i + 1, ... What f gives behind
  /// the end does not count, but has to be readable.
  template <class F>
  [[gnu::always_inline]] void add(std::int64_t count, F f) {
    constexpr std::int64_t L = lanes<T>;
    std::int64_t i = 0;
    for (; i + kChains * L <= count; i += kChains * L) {
      for (int k = 0; k < kChains; ++k) sums_[k] += f(i + k * L);
    }
    for (int k = 0; k < kChains - 1 && i + L <= count; ++k, i += L) sums_[k] += f(i);
    if (i < count) sums_[kChains - 1] += f(i) & lane_mask<T>(0, count - i);
  }

  [[nodiscard]] double total() const {
    alignas(Batch<T>) T values[lanes<T>];
    ((sums_[0] + sums_[1]) + (sums_[2] + sums_[3])).store_aligned(values);
    double sums[lanes<T>];
    for (int i = 0; i < lanes<T>; ++i) sums[i] = static_cast<double>(values[i]);
    for (int half = lanes<T> / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) sums[i] += sums[i + half];
    }
    return sums[0];
  }

 private:
  static constexpr int kChains = 4;  // as many additions are under way at once
  Batch<T> sums_[kChains];
};

}  // namespace
}  // namespace fathom::simd

// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: sums over rows.
#pragma once

#include <cstdint>
#include <utility>

#include <fathom/core/simd/lanes.hpp>

namespace fathom::simd {
namespace {

/// The sum of the lanes in double: the upper half is added to the lower one until one lane is left.
template <class T>
[[gnu::always_inline]] inline double sum_of_lanes(const Batch<T>& v) {
  constexpr int kHalf = lanes<T> / 2;
  double sums[kHalf];
  if constexpr (kHalf == 1) {
    alignas(Batch<T>) T values[2];
    v.store_aligned(values);
    sums[0] = static_cast<double>(values[0]) + static_cast<double>(values[1]);
  } else {
    using Wide [[gnu::vector_size(kHalf * sizeof(double))]] = double;
    const Wide added = [&v]<int... i>(std::integer_sequence<int, i...>) {
      return __builtin_convertvector(__builtin_shufflevector(v.data, v.data, i...), Wide) +
             __builtin_convertvector(__builtin_shufflevector(v.data, v.data, (kHalf + i)...), Wide);
    }
    (std::make_integer_sequence<int, kHalf>{});
    __builtin_memcpy(sums, &added, sizeof sums);
  }
  for (int half = kHalf / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

/// Sums of rows, `count` of them at once, in lanes until they are asked for: their order depends on the rows'
/// lengths alone. Lanes are of type T, so that a sum should see some thousands of elements; add such sums up
/// in double.
template <class T, int count = 1>
class RowSum {
 public:
  /// What goes to each of the sums.
  struct Terms {
    Batch<T> of[count];
  };

  RowSum() {
    for (Terms& chain : chains_) {
      for (Batch<T>& sum : chain.of) sum = Batch<T>(T(0));
    }
  }

  /// Adds the elements [0, length) of a row: f(i) are the Terms, or the one vector, of elements i, i + 1, ...
  /// What f gives behind the end does not count, but has to be readable.
  template <class F>
  [[gnu::always_inline]] void add(std::int64_t length, F f) {
    constexpr std::int64_t L = lanes<T>;
    std::int64_t i = 0;
    for (; i + kChains * L <= length; i += kChains * L) {
      for (int k = 0; k < kChains; ++k) add_terms(k, Terms{f(i + k * L)});
    }
    for (int k = 0; k < kChains - 1 && i + L <= length; ++k, i += L) add_terms(k, Terms{f(i)});
    if (i < length) {
      Terms last{f(i)};
      for (Batch<T>& term : last.of) term = term & lane_mask<T>(0, length - i);
      add_terms(kChains - 1, last);
    }
  }

  [[nodiscard]] double total(int which = 0) const {
    const auto sum = [&](int chain) { return chains_[chain].of[which]; };
    return sum_of_lanes<T>((sum(0) + sum(1)) + (sum(2) + sum(3)));
  }

 private:
  [[gnu::always_inline]] void add_terms(int chain, const Terms& terms) {
    for (int s = 0; s < count; ++s) chains_[chain].of[s] += terms.of[s];
  }

  static constexpr int kChains = 4;  // as many additions of each sum are under way at once
  Terms chains_[kChains];
};

}  // namespace
}  // namespace fathom::simd

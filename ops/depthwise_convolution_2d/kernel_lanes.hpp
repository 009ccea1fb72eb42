// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors of one instruction set, and what goes on between lanes. V is a vector
// type: simd::Batch<T>, or simd::NarrowBatch<T> for narrow images.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include <fathom/core/simd/lanes.hpp>
#include <fathom/core/simd/shuffle.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>

namespace fathom::ops::depthwise {
namespace {

using simd::Batch;
using simd::copy_short;
using simd::lanes;
using simd::lanes_of;
using simd::multiply_add;
using simd::NarrowBatch;
using simd::shuffle;
using simd::store_lanes;

template <class V>
using Element = typename V::value_type;

template <class V>
[[gnu::always_inline]] inline V lane_mask(std::int64_t first, std::int64_t last) {
  return simd::lane_mask<Element<V>, typename V::arch_type>(first, last);
}

template <class V>
[[gnu::always_inline]] inline V load_lanes(const Element<V>* from, std::int64_t count) {
  return simd::load_lanes<Element<V>, typename V::arch_type>(from, count);
}

/// f(0), ..., f(n - 1) with numbers that are constants in f: arrays indexed by these stay in registers.
template <int n, class F>
[[gnu::always_inline]] inline void unroll(F f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}

#if defined(__AVX512F__)
/// 0, 1, 2, ...
[[gnu::always_inline]] inline __m512i lane_numbers() {
  return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
/// a / b, rounded down, of numbers from 0 to 1000.
[[gnu::always_inline]] inline __m512i divide_lanes(__m512i a, std::int64_t b) {
  const __m512 middle = _mm512_add_ps(_mm512_cvtepi32_ps(a), _mm512_set1_ps(0.5F));
  return _mm512_cvttps_epi32(_mm512_div_ps(middle, _mm512_set1_ps(static_cast<float>(b))));
}
#endif

/// Whether the plane after one of so many elements is asked for while strips go down this one: they jump from
/// row to row, which the processor's own prefetching does not see through. Short planes it gets hold of.
template <class T>
[[nodiscard]] constexpr bool fetches_next(std::int64_t plane) {
  return plane * static_cast<std::int64_t>(sizeof(T)) > 1500;
}

/// Where loads are what a step waits for: g++ would make two of one whose value is used twice.
template <class V>
[[nodiscard]] [[gnu::always_inline]] inline V load_once(const Element<V>* from) {
  V v = V::load_unaligned(from);
#if defined(__x86_64__)
  asm("" : "+v"(v.data));
#endif
  return v;
}

/// a0 b1 a2 b3 ...
template <class V>
[[gnu::always_inline]] inline V alternate(V a, V b) {
  return shuffle(a, b, [](int i) { return i % 2 == 0 ? i : lanes_of<V> + i; });
}

/// Lane i is from[(i + phase) / S]: every element S times.
template <class V, int S, int phase>
[[gnu::always_inline]] inline V load_repeated(const Element<V>* from) {
  const V v = V::load_unaligned(from);
  if constexpr (S == 1) {
    return v;
  } else {
    return shuffle(v, v, [](int i) { return (i + phase) / S; });
  }
}

/// The lanes [first, last), or the even ones of them, for `load_where`.
#if defined(__AVX512F__)
template <class V>
class LoadMask {
 public:
  LoadMask() = default;
  LoadMask(std::int64_t first, std::int64_t last, bool even_alone = false)
      : bits(static_cast<Bits>(below(last) & ~below(first) & (even_alone ? 0x5555U : ~0U))) {}

  using Bits = decltype(simd::first_lanes<lanes_of<V>>(0));
  Bits bits;

 private:
  static unsigned below(std::int64_t lane) {
    return (1U << std::clamp<std::int64_t>(lane, 0, lanes_of<V>)) - 1;
  }
};
#else
template <class V>
struct LoadMask {
  LoadMask() = default;
  LoadMask(std::int64_t first, std::int64_t last, bool even_alone = false) : bits(lane_mask<V>(first, last)) {
    if (even_alone) bits = alternate(bits, V(Element<V>(0)));
  }
  V bits;
};
#endif

/// The other lanes are 0, whatever the memory there holds.
template <class V>
[[gnu::always_inline]] inline V load_where(const LoadMask<V>& mask, const Element<V>* from) {
#if defined(__AVX512F__)
  constexpr bool is_float = std::is_same_v<Element<V>, float>;
  if constexpr (is_float && sizeof(V) == 64) {
    return V(_mm512_maskz_loadu_ps(mask.bits, from));
  } else if constexpr (is_float) {
    return V(_mm256_maskz_loadu_ps(mask.bits, from));
  } else if constexpr (sizeof(V) == 64) {
    return V(_mm512_maskz_loadu_pd(mask.bits, from));
  } else {
    return V(_mm256_maskz_loadu_pd(mask.bits, from));
  }
#else
  return V::load_unaligned(from) & mask.bits;
#endif
}

/// `store_lanes` for one count.
template <class V>
class LaneStore {
 public:
  explicit LaneStore(std::int64_t count) : count_(count) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    for (int i = 0; i < 8; ++i) last_four_[i] = static_cast<int>(count + i) - 4;
#endif
  }

  [[gnu::always_inline]] void operator()(Element<V>* to, V v) const {
#if defined(__AVX2__) && !defined(__AVX512F__)
    // Two stores from registers: by way of memory the second would wait for the first.
    if constexpr (std::is_same_v<Element<V>, float>) {
      if (4 <= count_ && count_ < 8) {
        const __m256i lanes = _mm256_load_si256(reinterpret_cast<const __m256i*>(last_four_));
        _mm_storeu_ps(to, _mm256_castps256_ps128(v));
        _mm_storeu_ps(to + count_ - 4, _mm256_castps256_ps128(_mm256_permutevar8x32_ps(v, lanes)));
        return;
      }
    }
#endif
    store_lanes(to, v, count_);
  }

 private:
  std::int64_t count_;
#if defined(__AVX2__) && !defined(__AVX512F__)
  alignas(32) int last_four_[8];
#endif
};

}  // namespace
}  // namespace fathom::ops::depthwise

// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: planes side by side, one in each lane, so that images of any width fill vectors.
#pragma once

#include <bit>

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Blocks of `d` lanes of two vectors with L lanes: every other one of both, from the first or the second on.
template <int L, int d, bool second>
struct EveryOtherBlock {
  constexpr int operator()(int lane) const {
    const int from = (lane & ~d) + (second ? d : 0);
    return (lane & d) == 0 ? from : L + from;
  }
};

/// Lane k of vector i becomes lane i of vector k.
template <class T>
[[gnu::always_inline]] inline void transpose(Batch<T> (&v)[lanes<T>]) {
  constexpr int L = lanes<T>;
  unroll<std::countr_zero(static_cast<unsigned>(L))>([&](auto round) __attribute__((always_inline)) {
    constexpr int d = 1 << round;
    unroll<L / 2>([&](auto pair) __attribute__((always_inline)) {
      constexpr int i = pair / d * 2 * d + pair % d;
      const Batch<T> a = v[i], b = v[i + d];
      v[i] = shuffle(a, b, EveryOtherBlock<L, d, false>{});
      v[i + d] = shuffle(a, b, EveryOtherBlock<L, d, true>{});
    });
  });
}

/// For each lane a plane of `size` pixels and the one where its window begins, which may lie outside of it.
template <class T>
struct LanePlanes {
  const T* plane[lanes<T>];
  std::int64_t first[lanes<T>];
  std::int64_t size;
};

/// Pixels i, i + 1, ... of a plane; those outside of it are 0.
template <class T>
[[gnu::noinline]] Batch<T> load_pixels(const T* plane, std::int64_t i, std::int64_t size) {
  if (i <= -lanes<T> || i >= size) return Batch<T>(T(0));
  return load_where<Batch<T>>(LoadMask<Batch<T>>(-i, size - i), plane + i);
}

/// Elements of each lane that are fetched ahead: so many planes at once are more than the processor's own
/// prefetching follows.
template <class T>
constexpr std::int64_t kAhead = 256 / sizeof(T);

/// Vectors with one pixel of each lane, for the pixels [begin, end) of the windows, to `to`: rows of `width`
/// vectors, `gap` vectors apart. `begin` is the first pixel of a row.
template <class T>
[[gnu::noinline]] void gather(const LanePlanes<T>& from, std::int64_t begin, std::int64_t end,
                              std::int64_t width, std::int64_t gap, T* to) {
  constexpr int L = lanes<T>;
  std::int64_t lowest = from.first[0], highest = from.first[0];
  for (const std::int64_t first : from.first) {
    lowest = std::min(lowest, first);
    highest = std::max(highest, first);
  }
  std::int64_t column = 0;
  for (std::int64_t i = begin; i < end; i += L) {
    const std::int64_t count = std::min<std::int64_t>(L, end - i);
    Batch<T> v[L];
    if (lowest + i >= 0 && highest + i + count <= from.size) {
      // Perhaps beyond the plane, into what does not count.
      unroll<L>([&](auto l) __attribute__((always_inline)) {
        const T* const pixels = from.plane[l] + from.first[l] + i;
        v[l] = Batch<T>::load_unaligned(pixels);
        __builtin_prefetch(pixels + kAhead<T>, 0, 3);
      });
    } else {
      unroll<L>([&](auto l) __attribute__((always_inline)) {
        v[l] = load_pixels<T>(from.plane[l], from.first[l] + i, from.size);
      });
    }
    transpose<T>(v);
    unroll<L>([&](auto k) __attribute__((always_inline)) {
      if (k >= count) return;
      v[k].store_aligned(to);
      to += L;
      if (++column < width) return;
      column = 0;
      to += gap * L;
    });
  }
}

#if defined(__AVX512F__)
template <class T>
[[gnu::always_inline]] inline void store_pixels(T* to, Batch<T> v, std::int64_t count) {
  store_lanes(to, v, count);
}
#else
template <class T>
[[gnu::noinline]] void store_pixels(T* to, Batch<T> v, std::int64_t count) {
  store_lanes(to, v, count);
}
#endif

/// The opposite: lane l of the first count[l] vectors to to[l]. Reads up to L - 1 vectors more.
template <class T>
[[gnu::noinline]] void scatter(const T* from, T* const (&to)[lanes<T>],
                               const std::int64_t (&count)[lanes<T>]) {
  constexpr int L = lanes<T>;
  std::int64_t least = count[0], most = count[0];
  for (const std::int64_t of_lane : count) {
    least = std::min(least, of_lane);
    most = std::max(most, of_lane);
  }
  for (std::int64_t i = 0; i < most; i += L, from += L * L) {
    Batch<T> v[L];
    unroll<L>([&](auto k) __attribute__((always_inline)) { v[k] = Batch<T>::load_aligned(from + k * L); });
    transpose<T>(v);
    if (least - i >= L) {
      unroll<L>([&](auto l) __attribute__((always_inline)) {
        v[l].store_unaligned(to[l] + i);
        __builtin_prefetch(to[l] + i + kAhead<T>, 1, 3);
      });
    } else {
      unroll<L>([&](auto l) __attribute__((always_inline)) {
        if (count[l] > i) store_pixels<T>(to[l] + i, v[l], std::min<std::int64_t>(L, count[l] - i));
      });
    }
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise

// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel unit: the largest pixel of windows.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include <fathom/ops/pooling_2d/kernel.hpp>
#include <fathom/ops/pooling_2d/windows.hpp>

namespace fathom::ops::pooling {
namespace {

/// Vectors of windows: the largest pixels, and how far behind the window's first pixel they lie.
template <class V>
struct Largest {
  typename V::Pixels value;
  typename V::Numbers behind;
};

/// The first of equals, and the first NaN wins over everything.
template <int S, class V, class T>
[[gnu::always_inline]] inline Largest<V> largest_carefully(const Lines& r, const T* first,
                                                           std::int64_t count) {
  Largest<V> best{V::template load<S>(first, r.stride, count), {}};
  const auto compete = [&](std::int64_t behind, const typename V::Pixels& value) {
    const auto wins = ~(value <= best.value) & (best.value == best.value);
    best.value = wins ? value : best.value;
    best.behind = wins ? typename V::Numbers{} + static_cast<typename V::Whole>(behind) : best.behind;
  };
  for (std::int64_t y = 0; y < r.rows; ++y) {
    const T* row = first + y * r.width;
    std::int64_t x = 0;
    if constexpr (S == 2) {
      for (; x + 1 < r.columns; x += 2) {
        compete(y * r.width + x, V::template load<2, 0>(row + x, 2, count));
        compete(y * r.width + x + 1, V::template load<2, 1>(row + x, 2, count));
      }
    }
    for (; x < r.columns; ++x) compete(y * r.width + x, V::template load<S>(row + x, r.stride, count));
  }
  return best;
}

/// Zeros, or NaN in the lanes that have met an infinite number or NaN.
template <class T>
struct Zeros {
  typename WholeVectors<T>::Pixels of_whole{};
  typename HalfVectors<T>::Pixels of_half{};

  template <class V>
  [[gnu::always_inline]] void meet(const V& pixels) {
    if constexpr (sizeof(V) == sizeof of_whole) {
      of_whole += pixels * T(0);
    } else {
      of_half += pixels * T(0);
    }
  }
  [[nodiscard]] bool are_intact() const {
    const auto twice = [this]<int... i>(std::integer_sequence<int, i...>) {
      return __builtin_shufflevector(of_half, of_half, (i % HalfVectors<T>::kLanes)...);
    }
    (std::make_integer_sequence<int, WholeVectors<T>::kLanes>{});
    const Batch<T> all(of_whole + twice);
    return xsimd::all(all == all);
  }
};

/// Whole windows of K x K pixels, right unless one is NaN: no comparison waits for another one.
template <int S, int K, class V, class T>
[[gnu::always_inline]] inline Largest<V> largest_of_numbers(const Lines& r, const T* first,
                                                            std::int64_t count, Zeros<T>& zeros) {
  typename V::Pixels pixels[K * K];
  [&]<int... k>(std::integer_sequence<int, k...>) {
    ((pixels[k] = V::template load<S, k % K % S>(first + k / K * r.width + k % K - k % K % S, S, count)),
     ...);
  }
  (std::make_integer_sequence<int, K * K>{});
  Largest<V> best{pixels[0], {}};
  typename V::Pixels sum = pixels[0];
#pragma GCC unroll 9
  for (int k = 1; k < K * K; ++k) {
    best.value = pixels[k] > best.value ? pixels[k] : best.value;
    sum += pixels[k];
  }
  zeros.meet(sum);
#pragma GCC unroll 9
  for (int k = K * K - 1; k >= 0; --k) {
    const auto behind = static_cast<typename V::Whole>(k / K * r.width + k % K);
    best.behind = pixels[k] == best.value ? typename V::Numbers{} + behind : best.behind;
  }
  return best;
}

/// K: of windows that lie inside the image, 0: any. Whether all went well: with K > 0 infinite numbers and
/// NaN are left to K = 0.
template <int S, int K, class T>
bool largest_of_lines(const Lines& r, const T* pixels, T* y, std::int32_t* positions) {
  Zeros<T> zeros;
  std::int64_t at = r.at, room = r.room;
  for (std::int64_t line = 0; line < r.count; ++line, at += r.down, room -= r.out_width) {
    for_each_vector<T>(r.windows, [&](auto vectors, std::int64_t j, std::int64_t count) {
      using V = decltype(vectors);
      const std::int64_t start = at + r.stride * j;
      Largest<V> best;
      if constexpr (K > 0) {
        best = largest_of_numbers<S, K, V>(r, pixels + start, count, zeros);
      } else {
        best = largest_carefully<S, V>(r, pixels + start, count);
      }
      const typename V::Positions position = __builtin_convertvector(best.behind, typename V::Positions) +
                                             static_cast<std::int32_t>(start) +
                                             V::lane_numbers() * static_cast<std::int32_t>(r.stride);
      V::store(best.value, y + j, count, room - j);
      V::store(position, positions + j, count, room - j);
    });
    y += r.out_width;
    positions += r.out_width;
  }
  return K == 0 || zeros.are_intact();
}

/// The window of output pixel (row, column), whatever of it lies inside the image.
template <class T>
void largest_of_window(const Geometry& g, std::int64_t row, std::int64_t column, const T* pixels, T* y,
                       std::int32_t* positions) {
  const std::int64_t top = row * g.stride_y - g.pad_y, left = column * g.stride_x - g.pad_x;
  T best = -std::numeric_limits<T>::infinity();
  std::int32_t held = kNowhere;
  for (std::int64_t h = std::max<std::int64_t>(0, top); h < std::min(g.height, top + g.kernel_y); ++h) {
    for (std::int64_t w = std::max<std::int64_t>(0, left); w < std::min(g.width, left + g.kernel_x); ++w) {
      const T value = pixels[h * g.width + w];
      // Without branches: which pixel is largest cannot be predicted.
      const bool wins = (held == kNowhere) | (!(value <= best) & !__builtin_isnan(best));
      best = wins ? value : best;
      held = wins ? static_cast<std::int32_t>(h * g.width + w) : held;
    }
  }
  y[row * g.out_width + column] = best;
  positions[row * g.out_width + column] = held;
}

template <class T>
using LinesKernel = bool (*)(const Lines&, const T*, T*, std::int32_t*);

template <class T>
LinesKernel<T> careful_kernel(const Geometry& g) {
  if (g.stride_x > 2) return &largest_of_lines<0, 0, T>;
  return g.stride_x == 2 ? &largest_of_lines<2, 0, T> : &largest_of_lines<1, 0, T>;
}

/// Null for windows that have none.
template <class T>
LinesKernel<T> numbers_kernel(const Geometry& g) {
  if (g.kernel_y != g.kernel_x || g.kernel_x < 2 || g.kernel_x > 3 || g.stride_x > 2) return nullptr;
  if (g.kernel_x == 2) return g.stride_x == 2 ? &largest_of_lines<2, 2, T> : &largest_of_lines<1, 2, T>;
  return g.stride_x == 2 ? &largest_of_lines<2, 3, T> : &largest_of_lines<1, 3, T>;
}

template <class T>
void largest(const Geometry& g, const T* x, T* y, std::int32_t* positions, std::int64_t begin,
             std::int64_t end) {
  const PlaneWindows windows(g);
  const LinesKernel<T> careful = careful_kernel<T>(g), quick = numbers_kernel<T>(g);
  for (std::int64_t plane = begin; plane < end; ++plane) {
    const T* pixels = x + plane * g.in_plane();
    T* const out = y + plane * g.out_plane();
    std::int32_t* const held = positions + plane * g.out_plane();
    windows.for_each_lines((end - plane) * g.out_plane(),
                           [&](const Lines& lines, std::int64_t at, bool are_whole) {
                             if (are_whole && quick != nullptr && quick(lines, pixels, out + at, held + at))
                               return;
                             careful(lines, pixels, out + at, held + at);
                           });
    windows.for_each_other(
        [&](std::int64_t row, std::int64_t column) { largest_of_window(g, row, column, pixels, out, held); });
  }
}

}  // namespace
}  // namespace fathom::ops::pooling

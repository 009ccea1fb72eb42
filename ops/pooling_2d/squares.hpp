// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel unit: windows of 2 x 2 pixels side by side that lie inside the image.
#pragma once

#include <algorithm>
#include <utility>

#include <fathom/ops/pooling_2d/kernel.hpp>
#include <fathom/ops/pooling_2d/windows.hpp>

namespace fathom::ops::pooling {
namespace {

/// Runs of as many windows as fill half a vector; the last one of a line begins early enough to end with it.
class SquareRuns {
 public:
  struct Run {
    std::int64_t pixels, windows;  ///< where the upper line's pixels and the windows begin
  };

  SquareRuns(const Geometry& g, std::int64_t begin, std::int64_t end, std::int64_t length)
      : count((end - begin) * g.out_height * ((g.out_width + length - 1) / length)),
        length_(length),
        last_(g.out_width - length),
        lines_(g.out_height),
        down_{2 * g.width, g.out_width},
        below_((g.height - 2 * g.out_height) * g.width),
        line_{begin * g.in_plane(), begin * g.out_plane()} {}

  [[gnu::always_inline]] Run next() {
    const std::int64_t start = std::min(start_, last_);
    const Run run{line_.pixels + 2 * start, line_.windows + start};
    start_ += length_;
    if (start == last_) {
      start_ = 0;
      line_.pixels += down_.pixels;
      line_.windows += down_.windows;
      if (++row_ == lines_) {
        row_ = 0;
        line_.pixels += below_;
      }
    }
    return run;
  }

  const std::int64_t count;

 private:
  const std::int64_t length_, last_, lines_;
  const Run down_;
  const std::int64_t below_;  // pixels of the plane's last row, where its height is odd
  Run line_;
  std::int64_t start_ = 0, row_ = 0;
};

/// Vectors of squares, whose two halves come from anywhere.
template <class T, int size>
struct Squares {
  using V = Vectors<T, size* static_cast<int>(sizeof(T))>;
  using Pixels = typename V::Pixels;
  using Numbers = typename V::Numbers;
  using Positions = typename V::Positions;
  using HalfPixels [[gnu::vector_size(sizeof(Pixels) / 2)]] = T;
  static constexpr int kHalf = size / 2;

  template <int phase>
  [[gnu::always_inline]] static Pixels every_second(const Pixels& near, const Pixels& far) {
    return [&]<int... i>(std::integer_sequence<int, i...>) {
      return Pixels(__builtin_shufflevector(near, far, (2 * i + phase)...));
    }
    (std::make_integer_sequence<int, size>{});
  }
  /// Half a vector, each lane twice.
  [[gnu::always_inline]] static Pixels twice(const T* from) {
    if constexpr (size == 2) return Pixels{*from, *from};
    HalfPixels half;
    __builtin_memcpy(&half, from, sizeof half);
    return [&]<int... i>(std::integer_sequence<int, i...>) {
      return Pixels(__builtin_shufflevector(half, half, (i / 2)...));
    }
    (std::make_integer_sequence<int, size>{});
  }
  [[gnu::always_inline]] static void store(const Pixels& lanes, T* near, T* far) {
    if constexpr (size == 2) {
      *near = lanes[0];
      *far = lanes[1];
      return;
    }
    [&]<int... i>(std::integer_sequence<int, i...>) {
      const HalfPixels low = __builtin_shufflevector(lanes, lanes, i...);
      const HalfPixels high = __builtin_shufflevector(lanes, lanes, (kHalf + i)...);
      __builtin_memcpy(near, &low, sizeof low);
      __builtin_memcpy(far, &high, sizeof high);
    }
    (std::make_integer_sequence<int, kHalf>{});
  }

  [[gnu::always_inline]] static void store(const Numbers& lanes, std::uint8_t* near, std::uint8_t* far) {
#if defined(__SSE2__)  // compilers pack bytes one by one
    if constexpr (size >= 4) {
      __m128i bytes = packed(__builtin_convertvector(lanes, Positions));
      __builtin_memcpy(near, &bytes, kHalf);
      bytes = _mm_srli_si128(bytes, kHalf);
      __builtin_memcpy(far, &bytes, kHalf);
      return;
    }
#endif
    for (int i = 0; i < kHalf; ++i) {
      near[i] = static_cast<std::uint8_t>(lanes[i]);
      far[i] = static_cast<std::uint8_t>(lanes[kHalf + i]);
    }
  }
  [[gnu::always_inline]] static Numbers twice(const std::uint8_t* from) {
#if defined(__SSE2__)
    if constexpr (size >= 4) {
      __m128i bytes{};
      __builtin_memcpy(&bytes, from, kHalf);
      return __builtin_convertvector(unpacked(_mm_unpacklo_epi8(bytes, bytes)), Numbers);
    }
#endif
    Numbers result{};
    for (int i = 0; i < size; ++i) result[i] = from[i / 2];
    return result;
  }

#if defined(__SSE2__)
  /// The numbers as bytes, and back.
  [[gnu::always_inline]] static __m128i packed(const Positions& numbers) {
    if constexpr (size == 4) {
      const __m128i words = _mm_packs_epi32(reinterpret_cast<__m128i>(numbers), __m128i{});
      return _mm_packus_epi16(words, words);
#if defined(__AVX2__)
    } else if constexpr (size == 8) {
      const auto both = reinterpret_cast<__m256i>(numbers);
      const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
      return _mm_packus_epi16(words, words);
#endif
#if defined(__AVX512F__)
    } else {
      return _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(numbers));
#endif
    }
  }
  [[gnu::always_inline]] static Positions unpacked(__m128i bytes) {
    if constexpr (size == 4) {
      const __m128i words = _mm_unpacklo_epi8(bytes, __m128i{});
      return reinterpret_cast<Positions>(_mm_unpacklo_epi16(words, __m128i{}));
#if defined(__AVX2__)
    } else if constexpr (size == 8) {
      return reinterpret_cast<Positions>(_mm256_cvtepu8_epi32(bytes));
#endif
#if defined(__AVX512F__)
    } else {
      return reinterpret_cast<Positions>(_mm512_cvtepu8_epi32(bytes));
#endif
    }
  }
#endif

  /// The four pixels of the windows of two runs: upper left, upper right, lower left, lower right.
  struct Corners {
    Pixels at[4];

    [[gnu::always_inline]] Corners(const T* x, SquareRuns::Run near, SquareRuns::Run far,
                                   std::int64_t width) {
      for (int line = 0; line < 2; ++line) {
        Pixels pixels[2];
        __builtin_memcpy(&pixels[0], x + near.pixels + line * width, sizeof(Pixels));
        __builtin_memcpy(&pixels[1], x + far.pixels + line * width, sizeof(Pixels));
        at[2 * line] = every_second<0>(pixels[0], pixels[1]);
        at[2 * line + 1] = every_second<1>(pixels[0], pixels[1]);
      }
    }
  };

  /// Calls f(near, far, corners) for two runs at a time; a last one alone comes twice.
  template <class F>
  [[gnu::always_inline]] static void for_each_two(const Geometry& g, const T* x, std::int64_t begin,
                                                  std::int64_t end, F f) {
    SquareRuns runs(g, begin, end, kHalf);
    const std::int64_t width = g.width;
    for (std::int64_t left = runs.count; left > 0; left -= 2) {
      const auto near = runs.next(), far = left > 1 ? runs.next() : near;
      f(near, far, Corners(x, near, far, width));
    }
  }

  /// Whether the pixel after `best` in the window is larger, or NaN where that is none.
  [[gnu::always_inline]] static Numbers wins(const Pixels& next, const Pixels& best) {
    return ~(next <= best) & (best == best);
  }

  static void largest(const Geometry& g, const T* x, T* y, std::uint8_t* indexes, std::int64_t begin,
                      std::int64_t end) {
    for_each_two(
        g, x, begin, end, [&](auto near, auto far, const Corners& corners) __attribute__((always_inline)) {
          const auto& [first, second, third, fourth] = corners.at;
          const Numbers is_right = wins(second, first), is_right_below = wins(fourth, third);
          const Pixels above = is_right ? second : first, below = is_right_below ? fourth : third;
          const Numbers is_below = wins(below, above);
          store(Pixels(is_below ? below : above), y + near.windows, y + far.windows);
          // Masks are 0 or -1.
          store(Numbers(is_below ? 2 - is_right_below : -is_right), indexes + near.windows,
                indexes + far.windows);
        });
  }

  static void average(const Geometry& g, const T* x, T* y, std::int64_t begin, std::int64_t end) {
    for_each_two(
        g, x, begin, end, [&](auto near, auto far, const Corners& corners) __attribute__((always_inline)) {
          const auto& [first, second, third, fourth] = corners.at;
          store(Pixels(((first + second) + (third + fourth)) * T(0.25)), y + near.windows, y + far.windows);
        });
  }

  static void spread(const Geometry& g, const T* gy, T* gx, std::int64_t begin, std::int64_t end) {
    SquareRuns runs(g, begin, end, kHalf);
    const std::int64_t width = g.width;
    for (std::int64_t left = runs.count; left > 0; --left) {
      const auto run = runs.next();
      const Pixels values = twice(gy + run.windows) * T(0.25);
      __builtin_memcpy(gx + run.pixels, &values, sizeof values);
      __builtin_memcpy(gx + run.pixels + width, &values, sizeof values);
    }
  }

  static void scatter(const Geometry& g, const std::uint8_t* indexes, const T* gy, T* gx, std::int64_t begin,
                      std::int64_t end) {
    SquareRuns runs(g, begin, end, kHalf);
    const std::int64_t width = g.width;
    Numbers columns;
    for (int i = 0; i < size; ++i) columns[i] = i % 2;
    for (std::int64_t left = runs.count; left > 0; --left) {
      const auto run = runs.next();
      const Pixels values = twice(gy + run.windows);
      const Numbers chosen = twice(indexes + run.windows);
      const Pixels upper = chosen == columns ? values : Pixels{};
      const Pixels lower = chosen == columns + 2 ? values : Pixels{};
      __builtin_memcpy(gx + run.pixels, &upper, sizeof upper);
      __builtin_memcpy(gx + run.pixels + width, &lower, sizeof lower);
    }
  }
};

/// Calls f with vectors of which a line fills half at least.
template <class T, class F>
void with_squares(std::int64_t windows, F f) {
  constexpr int L = lanes<T>;
  if constexpr (L >= 16) {
    if (windows >= 8) return f(Squares<T, 16>{});
  }
  if constexpr (L >= 8) {
    if (windows >= 4) return f(Squares<T, 8>{});
  }
  f(Squares<T, std::min(4, L)>{});
}

template <class T>
void largest_of_squares(const Geometry& g, const T* x, T* y, std::uint8_t* indexes, std::int64_t begin,
                        std::int64_t end) {
  with_squares<T>(g.out_width, [&](auto squares) { squares.largest(g, x, y, indexes, begin, end); });
}

/// The pixels that belong to no window.
template <class T>
void clear_margins(const Geometry& g, T* gx, std::int64_t begin, std::int64_t end) {
  const std::int64_t across = 2 * g.out_width, down = 2 * g.out_height;
  if (across == g.width && down == g.height) return;
  for (std::int64_t plane = begin; plane < end; ++plane) {
    T* const pixels = gx + plane * g.in_plane();
    for (std::int64_t row = 0; row < down; ++row)
      std::fill(pixels + row * g.width + across, pixels + (row + 1) * g.width, T(0));
    std::fill(pixels + down * g.width, pixels + g.in_plane(), T(0));
  }
}

template <class T>
void scatter_to_squares(const Geometry& g, const std::uint8_t* indexes, const T* gy, bool accumulate, T* gx,
                        std::int64_t begin, std::int64_t end) {
  if (!accumulate) {
    with_squares<T>(g.out_width, [&](auto squares) { squares.scatter(g, indexes, gy, gx, begin, end); });
    return clear_margins(g, gx, begin, end);
  }
  for (std::int64_t line = begin * g.out_height; line < end * g.out_height; ++line) {
    T* const pixels = gx + line / g.out_height * g.in_plane() + line % g.out_height * 2 * g.width;
    for (std::int64_t j = 0; j < g.out_width; ++j) {
      const std::int64_t o = line * g.out_width + j;
      pixels[indexes[o] / 2 * g.width + 2 * j + indexes[o] % 2] += gy[o];
    }
  }
}

}  // namespace
}  // namespace fathom::ops::pooling

// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: 3 x 3 kernels at stride 2 on planes that end up as 4 x 4 at most, in AVX-512: the
// output plane is one vector, a row in each quarter.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

inline bool is_tiny(const Geometry& g) {
  return g.pad_y == 1 && g.pad_x == 1 && g.out_height <= 4 && g.out_width <= 4;
}

#if defined(__AVX512F__)

/// Lanes for which f(row, column) holds, of a vector with a row in each quarter.
template <class F>
__mmask16 quarter_mask(F f) {
  unsigned mask = 0;
  for (int i = 0; i < 16; ++i) mask |= static_cast<unsigned>(f(i / 4, i % 4)) << i;
  return static_cast<__mmask16>(mask);
}

template <class F>
__m512i lane_indices(F f) {
  alignas(64) int index[16];
  for (int i = 0; i < 16; ++i) index[i] = static_cast<int>(f(i));
  return _mm512_load_si512(index);
}

/// The column before, or the one behind; outside of the row 0.
[[gnu::always_inline]] inline __m512 column_before(__m512 v) {
  return _mm512_castsi512_ps(_mm512_bslli_epi128(_mm512_castps_si512(v), 4));
}
[[gnu::always_inline]] inline __m512 column_behind(__m512 v) {
  return _mm512_castsi512_ps(_mm512_bsrli_epi128(_mm512_castps_si512(v), 4));
}
/// The row above, or the one below; outside of the plane 0.
[[gnu::always_inline]] inline __m512 row_above(__m512 v) {
  return _mm512_maskz_shuffle_f32x4(0xfff0, v, v, 0x90);
}
[[gnu::always_inline]] inline __m512 row_below(__m512 v) {
  return _mm512_maskz_shuffle_f32x4(0x0fff, v, v, 0x39);
}
[[gnu::always_inline]] inline __m512 product(float w, __m512 v) { return _mm512_set1_ps(w) * v; }
[[gnu::always_inline]] inline __m512 add_product(float w, __m512 v, __m512 sum) {
  return _mm512_fmadd_ps(_mm512_set1_ps(w), v, sum);
}

class TinyForward {
 public:
  explicit TinyForward(const Geometry& g) : g_(g) {
    const auto two_rows = [&](int row) {
      return lane_indices([&](int i) {
        const std::int64_t at = row * g.width + i % 4 * 2 + (i < 8 ? 0 : 1);
        return std::min<std::int64_t>(at, 15) + (i % 8 < 4 ? 0 : 16);
      });
    };
    even_rows_ = two_rows(0);
    odd_rows_ = two_rows(1);
    for (int s = 0; s < 4; ++s) {
      keep_[s] =
          quarter_mask([&](int i, int j) { return 2 * i + s / 2 < g.height && 2 * j + s % 2 < g.width; });
    }
    compact_ = lane_indices([&](int i) { return i / g.out_width % 4 * 4 + i % g.out_width; });
  }

  void run(const float* x, const float* W, const float* b, float* y, std::int64_t begin,
           std::int64_t end) const {
    const auto stored = static_cast<__mmask16>((1U << g_.out_plane()) - 1);
    PlaneWalk walk(g_, begin);
    for (std::int64_t plane = begin; plane < end; ++plane, walk.next()) {
      const float bias = b == nullptr ? 0 : b[walk.out_channel()];
      __m512 sums = window_sums(x + walk.input() * g_.plane(), W + walk.kernel_offset(), bias);
      if (g_.out_width != 4) sums = _mm512_permutexvar_ps(compact_, sums);
      _mm512_mask_storeu_ps(y + plane * g_.out_plane(), stored, sums);
    }
  }

 private:
  [[gnu::always_inline]] __m512 window_sums(const float* x, const float* w, float bias) const {
    // Rows 2k and 2k + 1. What begins behind the plane is cleared, and might reach behind the slack.
    const auto load = [&](int k) { return _mm512_loadu_ps(x + std::min(2 * k * g_.width, g_.plane())); };
    const __m512 a = load(0), b = load(1), c = load(2), d = load(3);
    // The four pixels of each 2 x 2 square, by row and column: even rows give pixels 0 and 1.
    const auto pixels = [&](int s, __m512i rows) {
      const __m512 upper = _mm512_permutex2var_ps(a, rows, b), lower = _mm512_permutex2var_ps(c, rows, d);
      return s % 2 == 0 ? _mm512_maskz_shuffle_f32x4(keep_[s], upper, lower, 0x44)
                        : _mm512_maskz_shuffle_f32x4(keep_[s], upper, lower, 0xee);
    };
    const __m512 x00 = pixels(0, even_rows_), x01 = pixels(1, even_rows_);
    const __m512 x10 = pixels(2, odd_rows_), x11 = pixels(3, odd_rows_);
    const __m512 above = row_above(x11);
    __m512 sum = add_product(w[4], x00, _mm512_set1_ps(bias));
    sum = add_product(w[5], x01, sum);
    sum = add_product(w[3], column_before(x01), sum);
    __m512 odd = product(w[7], x10);
    odd = add_product(w[8], x11, odd);
    odd = add_product(w[6], column_before(x11), odd);
    __m512 last = product(w[1], row_above(x10));
    last = add_product(w[2], above, last);
    last = add_product(w[0], column_before(above), last);
    return (sum + odd) + last;
  }

  const Geometry& g_;
  __m512i even_rows_, odd_rows_, compact_;
  __mmask16 keep_[4];
};

class TinyGradX {
 public:
  explicit TinyGradX(const Geometry& g) : g_(g) {
    spread_ = lane_indices([&](int i) { return i / 4 * g.out_width + i % 4; });
    exists_ = quarter_mask([&](int i, int j) { return i < g.out_height && j < g.out_width; });
    two_rows_ = lane_indices([](int i) { return i / 8 * 4 + i % 8 / 2 + i % 2 * 16; });
    next_rows_ = lane_indices([](int i) { return 8 + i / 8 * 4 + i % 8 / 2 + i % 2 * 16; });
  }

  void run(const float* gy, const float* W, float* gx, std::int64_t begin, std::int64_t end) const {
    const auto all = static_cast<__mmask16>((1U << g_.out_plane()) - 1);
    std::int64_t channel = begin % g_.channels;
    for (std::int64_t plane = begin; plane < end; ++plane) {
      Pixels pixels;
      for (std::int64_t m = 0; m < g_.multiplier; ++m) {
        __m512 gradients = _mm512_maskz_loadu_ps(all, gy + (plane * g_.multiplier + m) * g_.out_plane());
        if (g_.out_width != 4) gradients = _mm512_maskz_permutexvar_ps(exists_, spread_, gradients);
        add(gradients, W + (m * g_.channels + channel) * 9, m == 0, pixels);
      }
      write(pixels, gx + plane * g_.plane());
      if (++channel == g_.channels) channel = 0;
    }
  }

 private:
  /// gx in each 2 x 2 square, by row and column.
  struct Pixels {
    __m512 of[4];
  };

  [[gnu::always_inline]] static void add(__m512 g, const float* w, bool is_first, Pixels& pixels) {
    const __m512 right = column_behind(g), below = row_below(g), last = column_behind(below);
    const __m512 x00 = product(w[4], g);
    const __m512 x01 = add_product(w[3], right, product(w[5], g));
    const __m512 x10 = add_product(w[1], below, product(w[7], g));
    const __m512 x11 =
        add_product(w[2], below, product(w[8], g)) + add_product(w[0], last, product(w[6], right));
    pixels.of[0] = is_first ? x00 : pixels.of[0] + x00;
    pixels.of[1] = is_first ? x01 : pixels.of[1] + x01;
    pixels.of[2] = is_first ? x10 : pixels.of[2] + x10;
    pixels.of[3] = is_first ? x11 : pixels.of[3] + x11;
  }

  [[gnu::always_inline]] void write(const Pixels& pixels, float* to) const {
    const auto row_mask = static_cast<__mmask8>((1U << g_.width) - 1);
    const auto row = [&](int r, __m256 v) {
      if (r < g_.height) _mm256_mask_storeu_ps(to + r * g_.width, row_mask, v);
    };
    const auto four_rows = [&](int r, __m512i lanes) {
      const __m512 even = _mm512_permutex2var_ps(pixels.of[0], lanes, pixels.of[1]);
      const __m512 odd = _mm512_permutex2var_ps(pixels.of[2], lanes, pixels.of[3]);
      row(r, _mm512_castps512_ps256(even));
      row(r + 1, _mm512_castps512_ps256(odd));
      row(r + 2, _mm512_extractf32x8_ps(even, 1));
      row(r + 3, _mm512_extractf32x8_ps(odd, 1));
    };
    four_rows(0, two_rows_);
    if (g_.height > 4) four_rows(4, next_rows_);
  }

  const Geometry& g_;
  __m512i spread_, two_rows_, next_rows_;
  __mmask16 exists_;
};

#endif

}  // namespace
}  // namespace fathom::ops::depthwise

// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: 3 x 3 kernels at stride 2 on planes that end up as 4 x 4 at most, for sets with
// AVX2: the output plane is two vectors, a row in each half.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

#if defined(__AVX2__) && !defined(__AVX512F__)

/// A plane of 4 x 4: rows 0 and 1, rows 2 and 3.
struct Tiny {
  __m256 half[2];
};

/// f(half 0), f(half 1).
template <class F>
[[gnu::always_inline]] inline Tiny each_half(F f) {
  return {{f(0), f(1)}};
}

[[gnu::always_inline]] inline Tiny operator+(const Tiny& a, const Tiny& b) {
  return each_half([&](int h) { return _mm256_add_ps(a.half[h], b.half[h]); });
}
[[gnu::always_inline]] inline Tiny operator&(const Tiny& a, const Tiny& b) {
  return each_half([&](int h) { return _mm256_and_ps(a.half[h], b.half[h]); });
}
[[gnu::always_inline]] inline Tiny product(float w, const Tiny& v) {
  return each_half([&](int h) { return _mm256_mul_ps(_mm256_set1_ps(w), v.half[h]); });
}
[[gnu::always_inline]] inline Tiny add_product(float w, const Tiny& v, const Tiny& sum) {
  return each_half([&](int h) { return _mm256_fmadd_ps(_mm256_set1_ps(w), v.half[h], sum.half[h]); });
}

/// The column before; outside of the plane 0.
[[gnu::always_inline]] inline Tiny column_before(const Tiny& v) {
  return each_half(
      [&](int h) { return _mm256_castsi256_ps(_mm256_bslli_epi128(_mm256_castps_si256(v.half[h]), 4)); });
}
/// The row above; outside of the plane 0.
[[gnu::always_inline]] inline Tiny row_above(const Tiny& v) {
  return {{_mm256_permute2f128_ps(v.half[0], v.half[0], 0x08),
           _mm256_permute2f128_ps(v.half[0], v.half[1], 0x21)}};
}

/// Lanes for which f(row, column) holds.
template <class F>
Tiny tiny_mask(F f) {
  alignas(32) int bits[16];
  for (int i = 0; i < 16; ++i) bits[i] = f(i / 4, i % 4) ? -1 : 0;
  return each_half([&](int h) {
    return _mm256_castsi256_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(bits + 8 * h)));
  });
}

/// Four elements each.
[[gnu::always_inline]] inline __m256 load_two(const float* lower, const float* upper) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lower)), _mm_loadu_ps(upper), 1);
}

class TinyForward {
 public:
  explicit TinyForward(const Geometry& g) : g_(g) {
    for (int s = 0; s < 4; ++s) {
      keep_[s] = tiny_mask([&](int i, int j) { return 2 * i + s / 2 < g.height && 2 * j + s % 2 < g.width; });
    }
    // What begins behind the plane is cleared, and might reach behind the slack.
    for (int i = 0; i < 8; ++i) rows_[i] = std::min(i * g.width, g.plane());
  }

  void run(const float* x, const float* W, const float* b, float* y, std::int64_t begin,
           std::int64_t end) const {
    const float* limit = y + end * g_.out_plane();
    PlaneWalk walk(g_, begin);
    for (std::int64_t plane = begin; plane < end; ++plane, walk.next()) {
      const float bias = b == nullptr ? 0 : b[walk.out_channel()];
      const Tiny sums = window_sums(x + walk.input() * g_.plane(), W + walk.kernel_offset(), bias);
      float* to = y + plane * g_.out_plane();
      for (int i = 0; i < 4; ++i) {
        const __m256 half = sums.half[i / 2];
        const __m128 row = i % 2 == 0 ? _mm256_castps256_ps128(half) : _mm256_extractf128_ps(half, 1);
        if (i < g_.out_height) write_row(to + i * g_.out_width, row, limit);
      }
    }
  }

 private:
  /// What spills into the next row is written there afterwards.
  [[gnu::always_inline]] void write_row(float* to, __m128 row, const float* limit) const {
    if (to + 4 <= limit) return _mm_storeu_ps(to, row);
    float buffer[4];
    _mm_storeu_ps(buffer, row);
    copy_short<2>(to, buffer, g_.out_width);
  }

  /// Two of the four pixels of each 2 x 2 square: row s of it.
  struct Pixels {
    Tiny left, right;
  };
  [[gnu::always_inline]] Pixels pixels(const float* x, int s) const {
    Pixels result;
    for (int h = 0; h < 2; ++h) {
      const float* a = x + rows_[4 * h + s];
      const float* b = x + rows_[4 * h + s + 2];
      const __m256 first = load_two(a, b), second = load_two(a + 4, b + 4);
      result.left.half[h] = _mm256_shuffle_ps(first, second, 0x88);
      result.right.half[h] = _mm256_shuffle_ps(first, second, 0xdd);
    }
    return {result.left & keep_[2 * s], result.right & keep_[2 * s + 1]};
  }

  [[gnu::always_inline]] Tiny window_sums(const float* x, const float* w, float bias) const {
    const auto [x00, x01] = pixels(x, 0);
    const auto [x10, x11] = pixels(x, 1);
    const Tiny above = row_above(x11);
    Tiny sum = add_product(w[4], x00, each_half([&](int) { return _mm256_set1_ps(bias); }));
    sum = add_product(w[5], x01, sum);
    sum = add_product(w[3], column_before(x01), sum);
    Tiny odd = product(w[7], x10);
    odd = add_product(w[8], x11, odd);
    odd = add_product(w[6], column_before(x11), odd);
    Tiny last = product(w[1], row_above(x10));
    last = add_product(w[2], above, last);
    last = add_product(w[0], column_before(above), last);
    return (sum + odd) + last;
  }

  const Geometry& g_;
  Tiny keep_[4];
  std::int64_t rows_[8];
};

class TinyGradX {
 public:
  explicit TinyGradX(const Geometry& g) : g_(g) {
    keep_ = tiny_mask([&](int i, int j) { return i < g.out_height && j < g.out_width; });
    for (int i = 0; i < 4; ++i) rows_[i] = std::min(i * g.out_width, g.out_plane());
  }

  void run(const float* gy, const float* W, float* gx, std::int64_t begin, std::int64_t end) const {
    const RowWriter<NarrowBatch<float>> write{gx + end * g_.plane(), g_.width};
    std::int64_t channel = begin % g_.channels;
    for (std::int64_t plane = begin; plane < end; ++plane) {
      const float* from = gy + plane * g_.multiplier * g_.out_plane();
      const float* w = W + channel * 9;
      float* to = gx + plane * g_.plane();
      // One half after the other: both together do not fit into registers.
      write_rows<0>(from, w, to, write);
      if (g_.height > 4) write_rows<1>(from, w, to + 4 * g_.width, write);
      if (++channel == g_.channels) channel = 0;
    }
  }

 private:
  /// Half of gx in each 2 x 2 square, by row and column.
  struct Pixels {
    __m256 of[4];
  };

  template <int half>
  [[gnu::always_inline]] Pixels products(const float* gy, const float* w) const {
    const auto gradients = [&](int h) {
      return _mm256_and_ps(load_two(gy + rows_[2 * h], gy + rows_[2 * h + 1]), keep_.half[h]);
    };
    const auto behind = [](__m256 v) {
      return _mm256_castsi256_ps(_mm256_bsrli_epi128(_mm256_castps_si256(v), 4));
    };
    const auto weight = [&](int i) { return _mm256_set1_ps(w[i]); };
    const __m256 g = gradients(half);
    const __m256 below =
        half == 0 ? _mm256_permute2f128_ps(g, gradients(1), 0x21) : _mm256_permute2f128_ps(g, g, 0x81);
    const __m256 right = behind(g), last = behind(below);
    return {{_mm256_mul_ps(weight(4), g), _mm256_fmadd_ps(weight(3), right, _mm256_mul_ps(weight(5), g)),
             _mm256_fmadd_ps(weight(1), below, _mm256_mul_ps(weight(7), g)),
             _mm256_add_ps(_mm256_fmadd_ps(weight(2), below, _mm256_mul_ps(weight(8), g)),
                           _mm256_fmadd_ps(weight(0), last, _mm256_mul_ps(weight(6), right)))}};
  }

  template <int half>
  [[gnu::always_inline]] void write_rows(const float* gy, const float* w, float* to,
                                         const RowWriter<NarrowBatch<float>>& write) const {
    Pixels pixels = products<half>(gy, w);
    for (std::int64_t m = 1; m < g_.multiplier; ++m) {
      gy += g_.out_plane();
      w += g_.channels * 9;
      const Pixels more = products<half>(gy, w);
      for (int s = 0; s < 4; ++s) pixels.of[s] = _mm256_add_ps(pixels.of[s], more.of[s]);
    }
    const __m256 a = _mm256_unpacklo_ps(pixels.of[0], pixels.of[1]);
    const __m256 b = _mm256_unpackhi_ps(pixels.of[0], pixels.of[1]);
    const __m256 c = _mm256_unpacklo_ps(pixels.of[2], pixels.of[3]);
    const __m256 d = _mm256_unpackhi_ps(pixels.of[2], pixels.of[3]);
    const auto row = [&](int r, __m256 v) {
      if (4 * half + r < g_.height) write(to + r * g_.width, v);
    };
    row(0, _mm256_permute2f128_ps(a, b, 0x20));
    row(1, _mm256_permute2f128_ps(c, d, 0x20));
    row(2, _mm256_permute2f128_ps(a, b, 0x31));
    row(3, _mm256_permute2f128_ps(c, d, 0x31));
  }

  const Geometry& g_;
  Tiny keep_;
  std::int64_t rows_[4];
};

#endif

}  // namespace
}  // namespace fathom::ops::depthwise

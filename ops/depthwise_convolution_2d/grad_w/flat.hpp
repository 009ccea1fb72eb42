// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy) of planes that fit into one vector, and of those of four with stride 2.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/grad_w/sums.hpp>

#if defined(__AVX512F__)

namespace fathom::ops::depthwise {
namespace {

/// Lane i is lane `at[i]` of a vector, or of two laid end to end.
struct Moves {
  alignas(64) std::int32_t at[16] = {};

  [[nodiscard]] [[gnu::always_inline]] __m512i load() const { return _mm512_load_si512(at); }
};

[[gnu::always_inline]] inline Batch<float> move_lanes(__m512i moves, Batch<float> v) {
  return _mm512_permutexvar_ps(moves, v);
}
[[gnu::always_inline]] inline Batch<float> move_lanes(__m512i moves, Batch<float> v, Batch<float> w) {
  return _mm512_permutex2var_ps(v, moves, w);
}

/// The sums of 3 x 3 kernels whose lanes are pixels of a whole plane; those without a pixel or a gradient are
/// cleared at the end, as they are elsewhere.
struct FlatSums {
  using V = Batch<float>;
  static constexpr int K = 3;
  using Totals = GradWTotals<AlongImage<V, K, 1>, K>;
  V sums[K * K];

  [[gnu::always_inline]] FlatSums() {
    unroll<K * K>([&](auto tap) __attribute__((always_inline)) { sums[tap] = V(0.0F); });
  }
  template <int p, int q>
  [[gnu::always_inline]] void add(V pixels, V gradients) {
    sums[p * K + q] = multiply_add(pixels, gradients, sums[p * K + q]);
  }
  template <int p, int q>
  [[gnu::always_inline]] void add(V pixels, V gradients, __mmask16 lanes) {
    V& sum = sums[p * K + q];
    sum = _mm512_mask3_fmadd_ps(pixels, gradients, sum, lanes);
  }
  [[gnu::always_inline]] void add_to(Totals& totals) const {
    unroll<K * K>([&](auto tap)
                      __attribute__((always_inline)) { totals.sums[tap / K][tap % K] += sums[tap]; });
  }
  [[gnu::always_inline]] void add_to(Totals& totals, const __mmask16 (&keep)[K * K]) const {
    unroll<K * K>([&](auto tap) __attribute__((always_inline)) {
      totals.sums[tap / K][tap % K] += V(_mm512_maskz_mov_ps(keep[tap], sums[tap]));
    });
  }
};

/// Planes of 16 pixels at most: a lane is an image row and a column of gy. Image rows are moved for each
/// column of taps, gy for each row of them.
class FlatPlan {
  using V = Batch<float>;
  static constexpr int K = 3, L = lanes_of<V>;

 public:
  using Totals = FlatSums::Totals;

  static bool fits(const Geometry& g) {
    return g.plane() <= L && g.out_plane() <= L && g.height * g.out_width <= L;
  }

  explicit FlatPlan(const Geometry& g) {
    for (std::int64_t lane = 0; lane < g.height * g.out_width; ++lane) {
      const std::int64_t y = lane / g.out_width, j = lane % g.out_width;
      const auto bit = static_cast<unsigned>(1 << lane);
      unsigned columns[K] = {};
      for (int q = 0; q < K; ++q) {
        const std::int64_t x = j * g.stride_x + q - g.pad_x;
        if (x < 0 || x >= g.width) continue;
        pixels_[q].at[lane] = static_cast<std::int32_t>(y * g.width + x);
        columns[q] = bit;
      }
      for (int p = 0; p < K; ++p) {
        const std::int64_t top = y - p + g.pad_y, i = top / g.stride_y;
        if (top < 0 || top % g.stride_y != 0 || i >= g.out_height) continue;
        gradients_[p].at[lane] = static_cast<std::int32_t>(i * g.out_width + j);
        for (int q = 0; q < K; ++q) keep_[p * K + q] |= static_cast<__mmask16>(columns[q]);
      }
    }
  }

  void add(const ImagePlanes<float>& planes, Totals& totals) const {
    __m512i pixel_moves[K], gradient_moves[K];
    unroll<K>([&](auto p) __attribute__((always_inline)) {
      pixel_moves[p] = pixels_[p].load();
      gradient_moves[p] = gradients_[p].load();
    });
    FlatSums sums;
    for (std::int64_t n = 0; n < planes.images; ++n) {
      const V plane = V::load_unaligned(planes.x + n * planes.step_x);
      const V gradient = V::load_unaligned(planes.gy + n * planes.step_gy);
      V pixels[K];
      unroll<K>([&](auto q)
                    __attribute__((always_inline)) { pixels[q] = move_lanes(pixel_moves[q], plane); });
      unroll<K>([&](auto p) __attribute__((always_inline)) {
        const V gradients = move_lanes(gradient_moves[p], gradient);
        unroll<K>([&](auto q) __attribute__((always_inline)) { sums.add<p, q>(pixels[q], gradients); });
      });
    }
    sums.add_to(totals, keep_);
  }

 private:
  Moves pixels_[K], gradients_[K];
  __mmask16 keep_[K * K] = {};
};

/// Images of 8 x 8 at most with stride 2 and pad 1: a lane is a square of 2 x 2 pixels, each of which is a
/// vector of its own. Tap 0 sees the second pixel of the square before, so its gradients are moved by one.
class SquaresPlan {
  using V = Batch<float>;
  static constexpr int K = 3, size = 4;

 public:
  using Totals = FlatSums::Totals;

  static bool fits(const Geometry& g) {
    return g.height <= 2 * size && g.width <= 2 * size && g.pad_y == 1 && g.pad_x == 1;
  }

  explicit SquaresPlan(const Geometry& g) {
    for (int lane = 0; lane < size * size; ++lane) {
      const int i = lane / size, j = lane % size;
      // Two rows of squares; the left pixels, then the right ones. Each vector holds two image rows.
      const int row = lane % 8 / size, right = lane / 8;
      for (int below = 0; below < 2; ++below) {
        const auto at = below * g.width + 2 * j + right;
        rows_[below].at[lane] = static_cast<std::int32_t>(row * 16 + std::min<std::int64_t>(at, 15));
      }
      for (int p = 0; p < K; ++p) {
        for (int q = 0; q < K; ++q) {
          const std::int64_t top = i + (p == 0 ? 1 : 0), left = j + (q == 0 ? 1 : 0);
          const bool counts = 2 * i + (p == 1 ? 0 : 1) < g.height && 2 * j + (q == 1 ? 0 : 1) < g.width &&
                              top < g.out_height && left < g.out_width;
          if (!counts) continue;
          gradients_[p == 0 ? 1 : 0][q == 0 ? 1 : 0].at[lane] =
              static_cast<std::int32_t>(top * g.out_width + left);
          keep_[p * K + q] |= static_cast<__mmask16>(1 << lane);
        }
      }
    }
    for (int i = 0; i < size; ++i) begin_[i] = 2 * i < g.height ? 2 * i * g.width : 0;
  }

  void add(const ImagePlanes<float>& planes, Totals& totals) const {
    const __m512i above = rows_[0].load(), below = rows_[1].load();
    const __m512i same = gradients_[0][0].load(), right = gradients_[0][1].load(),
                  down = gradients_[1][0].load(), across = gradients_[1][1].load();
    const std::int64_t second = begin_[1], third = begin_[2], fourth = begin_[3];
    FlatSums sums;
    for (std::int64_t n = 0; n < planes.images; ++n) {
      const float* x = planes.x + n * planes.step_x;
      const V a = V::load_unaligned(x), b = V::load_unaligned(x + second), c = V::load_unaligned(x + third),
              d = V::load_unaligned(x + fourth);
      const V gradient = V::load_unaligned(planes.gy + n * planes.step_gy);
      const V g = move_lanes(same, gradient), g_right = move_lanes(right, gradient),
              g_down = move_lanes(down, gradient), g_across = move_lanes(across, gradient);
      const V above_ab = move_lanes(above, a, b), above_cd = move_lanes(above, c, d);
      sums.add<1, 1>(first_halves(above_ab, above_cd), g);
      const V above_right = second_halves(above_ab, above_cd);
      sums.add<1, 0>(above_right, g_right);
      sums.add<1, 2>(above_right, g);
      const V below_ab = move_lanes(below, a, b), below_cd = move_lanes(below, c, d);
      const V below_left = first_halves(below_ab, below_cd);
      sums.add<0, 1>(below_left, g_down);
      sums.add<2, 1>(below_left, g);
      const V below_right = second_halves(below_ab, below_cd);
      sums.add<0, 0>(below_right, g_across);
      sums.add<0, 2>(below_right, g_down);
      sums.add<2, 0>(below_right, g_right);
      sums.add<2, 2>(below_right, g);
    }
    sums.add_to(totals, keep_);
  }

 private:
  [[gnu::always_inline]] static V first_halves(V a, V b) {
    return shuffle(a, b, [](int i) { return i < 8 ? i : i + 8; });
  }
  [[gnu::always_inline]] static V second_halves(V a, V b) {
    return shuffle(a, b, [](int i) { return i < 8 ? i + 8 : i + 16; });
  }

  Moves rows_[2], gradients_[2][2];
  __mmask16 keep_[K * K] = {};
  std::int64_t begin_[size];
};

}  // namespace
}  // namespace fathom::ops::depthwise

#endif

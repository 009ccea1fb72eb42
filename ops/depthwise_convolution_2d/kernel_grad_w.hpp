// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy).
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_grad_w_sums.hpp>

namespace fathom::ops::depthwise {
namespace {

/// How a plane is cut into strips one vector wide. Strips that overlap, as the other passes have them, keep
/// the reads near the image; a column that the strip before has done does not count.
template <class V, int K, int S>
class StripPlan {
 public:
  /// Strips side by side; `keep` has the lanes that count.
  struct Run {
    std::int64_t column = 0, vectors = 0;
    V keep[groups<K, S>];
  };

  explicit StripPlan(const Geometry& g) {
    std::int64_t done = 0;
    for_each_overlapping_strip(g.out_width, strip_width<V, S>, [&](std::int64_t column, std::int64_t count) {
      const std::int64_t skip = done - column;
      const std::int64_t first = S * column - g.pad_x;
      const bool is_inner = skip == 0 && count == strip_width<V, S> && first >= 0 &&
                            first + S * (groups<K, S> - 1) + lanes_of<V> <= g.width;
      done = column + count;
      Run& run = is_inner ? runs_[0] : runs_[count_++];
      if (run.vectors++ > 0) return;
      run.column = column;
      for (int m = 0; m < groups<K, S>; ++m) {
        run.keep[m] =
            lane_mask<V>(std::max(-first - S * m, S * skip), std::min(g.width - first - S * m, S * count));
      }
    });
  }

  [[nodiscard]] const Run* begin() const { return runs_ + (runs_[0].vectors == 0 ? 1 : 0); }
  [[nodiscard]] const Run* end() const { return runs_ + count_; }

 private:
  // First those that see the image alone, which read it as memory has it; then the others one by one. With
  // less padding than taps, 4 columns at most see something left of the image and as many something right of
  // it: with a strip that overlaps and two that begin further in, 7 strips of two columns or of one.
  Run runs_[8];
  int count_ = 1;
};

/// The sums of one channel over its planes, still spread over the lanes.
template <class V, int K, int S>
class GradWTotals {
  using T = Element<V>;
  using Run = typename StripPlan<V, K, S>::Run;

 public:
  GradWTotals() {
    for (auto& row : totals_) {
      for (V& total : row) total = V(T(0));
    }
  }

  /// Adds one run of strips of the channel's planes in `images` images.
  template <int first_row = 0>
  void add(const Geometry& g, const Run& run, const T* x, const T* gy, std::int64_t images) {
    constexpr int rows = std::min(rows_at_once<K, S>, K - first_row);
    using Sums = TapSums<V, K, S, first_row, rows>;
    if (!Sums::is_high(g)) {
      add_planes<Sums>(
          g, run, x, gy, images,
          [](Sums & sums, const T* from_x, const T* from_gy)
              __attribute__((always_inline)) { sums.add_low_strip(from_x, from_gy); });
    } else if (run.vectors == 1) {
      add_planes<Sums>(
          g, run, x, gy, images,
          [](Sums & sums, const T* from_x, const T* from_gy)
              __attribute__((always_inline)) { sums.add_strip(from_x, from_gy); });
    } else {
      add_planes_along_rows<Sums>(g, run, x, gy, images);
    }
    if constexpr (first_row + rows < K) add<first_row + rows>(g, run, x, gy, images);
  }

  /// The gradient of one kernel: lanes added up in double, in order.
  void write(T* gW, bool accumulate) const {
    for (int p = 0; p < K; ++p) {
      double taps[groups<K, S> * S] = {};
      for (int m = 0; m < groups<K, S>; ++m) {
        alignas(V) T values[lanes_of<V>];
        totals_[p][m].store_aligned(values);
        for (int i = 0; i < lanes_of<V>; ++i) taps[S * m + i % S] += static_cast<double>(values[i]);
      }
      for (int q = 0; q < K; ++q, ++gW)
        *gW = static_cast<T>(taps[q] + (accumulate ? static_cast<double>(*gW) : 0.0));
    }
  }

 private:
  template <class Sums, class AddStrip>
  void add_planes(const Geometry& g, const Run& run, const T* x, const T* gy, std::int64_t images,
                  AddStrip add_strip) {
    Sums sums(g);
    const std::int64_t step_x = g.channels * g.plane(), step_gy = g.out_channels() * g.out_plane();
    for (std::int64_t v = 0; v < run.vectors; ++v) {
      const T* from_x = x + S * run.column - g.pad_x + v * lanes_of<V>;
      const T* from_gy = gy + run.column + v * strip_width<V, S>;
      for (std::int64_t n = 0; n < images; ++n) add_strip(sums, from_x + n * step_x, from_gy + n * step_gy);
    }
    sums.add_to(totals_, run.keep);
  }

  template <class Sums>
  void add_planes_along_rows(const Geometry& g, const Run& run, const T* x, const T* gy,
                             std::int64_t images) {
    Sums sums(g);
    for (std::int64_t n = 0; n < images; ++n) {
      sums.add_strips(x + n * g.channels * g.plane() + S * run.column - g.pad_x,
                      gy + n * g.out_channels() * g.out_plane() + run.column, run.vectors);
    }
    sums.add_to(totals_, run.keep);
  }

  V totals_[K][groups<K, S>];
};

/// Images whose planes of a channel are summed up in one go, so that starting and ending sums costs little.
template <class T>
std::int64_t images_at_once(const Geometry& g) {
  constexpr std::int64_t kBytes = 3200, kMost = 16;
  const auto bytes = static_cast<std::int64_t>(sizeof(T)) * (g.plane() + g.out_plane());
  return std::clamp<std::int64_t>(kBytes / bytes, 1, kMost);
}

template <class V, int K, int S>
void grad_w(const Geometry& g, const Element<V>* x, const Element<V>* gy, Element<V>* gW, bool accumulate,
            std::int64_t begin, std::int64_t end) {
  using T = Element<V>;
  // A block of channels at a time: their planes lie side by side in memory, and their sums stay in the cache.
  constexpr std::int64_t kBlock = 32;
  const StripPlan<V, K, S> plan(g);
  const std::int64_t at_once = images_at_once<T>(g);
  for (std::int64_t block = begin; block < end; block += kBlock) {
    const std::int64_t channels = std::min(kBlock, end - block);
    GradWTotals<V, K, S> totals[kBlock];
    for (std::int64_t n = 0; n < g.images; n += at_once) {
      for (std::int64_t i = 0; i < channels; ++i) {
        const std::int64_t plane = n * g.out_channels() + block + i;
        for (const auto& run : plan) {
          totals[i].add(g, run, x + plane / g.multiplier * g.plane(), gy + plane * g.out_plane(),
                        std::min(at_once, g.images - n));
        }
      }
    }
    for (std::int64_t i = 0; i < channels; ++i) totals[i].write(gW + g.kernel_offset(block + i), accumulate);
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise

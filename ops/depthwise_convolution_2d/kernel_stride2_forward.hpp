// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: y(x, W, b) of K x K kernels at stride 2.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_lanes.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_tiny.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_tiny_avx2.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Vectors lie along the image, two for one vector of output columns: lanes 2l and 2l + 1 belong to one
/// column, which takes their sum, so that no row has to be taken apart. Taps go in pairs, one for each of
/// both lanes; the last pair is half empty. What a zero weight meets must be zero too, since 0 * NaN is NaN.
template <int K>
inline constexpr int pairs = (K + 1) / 2;

/// Which lanes exist in the image and have a tap.
template <class V, int K>
struct Stride2Taps {
  LoadMask<V> keep[2][pairs<K>];

  Stride2Taps() = default;
  Stride2Taps(const Geometry& g, std::int64_t column) {
    for (int h = 0; h < 2; ++h) {
      for (int m = 0; m < pairs<K>; ++m) {
        const std::int64_t first = 2 * column - g.pad_x + h * lanes_of<V> + 2 * m;
        keep[h][m] = LoadMask<V>(-first, g.width - first, 2 * m + 1 == K);
      }
    }
  }
};

/// The steps down a plane. Each sees two rows, the first of which has an even distance from the pad's edge,
/// and completes an output row; which rows exist is settled here, as a branch for each row takes a third of
/// the time.
struct Stride2Rows {
  bool second_alone;    ///< the first step lacks its first row, and completes none
  std::int64_t before;  ///< steps that complete no output row yet
  std::int64_t full;    ///< steps with everything
  bool first_alone;     ///< a step that lacks its second row
  std::int64_t behind;  ///< steps below the image
  std::int64_t top;     ///< image row of the first step

  Stride2Rows(const Geometry& g, std::int64_t live) {
    const std::int64_t start = (g.pad_y + 1) / 2, rows = g.height + g.pad_y;
    second_alone = g.pad_y % 2 != 0;
    before = std::max<std::int64_t>(0, live - 1 - start);
    full = rows / 2 - start - before;
    first_alone = rows % 2 != 0;
    behind = g.out_height - full - (first_alone ? 1 : 0);
    top = g.pad_y / 2 * 2 - g.pad_y;
  }
};

/// y at one vector of output columns, sliding down the plane: an image row goes into every output row that
/// has it in its window. `sums[d]` is output row t - d.
template <class V, int K, bool wide, bool at_edge>
struct Stride2ForwardStrip {
  using T = Element<V>;
  static constexpr std::int64_t L = lanes_of<V>;
  static constexpr int live = (K - 1) / 2 + 1;

  const T* row;
  Prefetch<T, false>& next;
  T* to;
  RowWriter<V> write;
  std::int64_t width, out_width;
  V bias;
  V weights[K][pairs<K>];
  LoadMask<V> keep[2][pairs<K>];
  V sums[live][2];

  [[gnu::always_inline]] Stride2ForwardStrip(const Geometry& g, const T* x, Prefetch<T, false>& ahead,
                                             const T* w, T b, T* y, RowWriter<V> writer,
                                             const Stride2Taps<V, K>& taps)
      : row(x),
        next(ahead),
        to(y),
        write(writer),
        width(g.width),
        out_width(g.out_width),
        bias(alternate(V(b), V(T(0)))) {
    for (int p = 0; p < K; ++p) {
      for (int m = 0; m < pairs<K>; ++m) {
        weights[p][m] = alternate(V(w[p * K + 2 * m]), 2 * m + 1 < K ? V(w[p * K + 2 * m + 1]) : V(T(0)));
      }
    }
    for (int h = 0; h < 2; ++h) {
      for (int m = 0; m < pairs<K>; ++m) keep[h][m] = taps.keep[h][m];
    }
    for (int d = 0; d < live; ++d) sums[d][0] = sums[d][1] = bias;
  }

  /// Down the plane, from the row above output row 0's last but one tap on.
  [[gnu::always_inline]] void slide(const Stride2Rows& rows) {
    if (rows.second_alone) step<false, true, false>();
    for (std::int64_t n = rows.before; n > 0; --n) step<true, true, false>();
    for (std::int64_t n = rows.full; n > 0; --n) step<true, true, true>();
    if (rows.first_alone) step<true, false, true>();
    for (std::int64_t n = rows.behind; n > 0; --n) step<false, false, true>();
  }

  template <bool first, bool second, bool complete>
  [[gnu::always_inline]] void step() {
    if (wide && complete) next.fetch();
    if (first) add_row<0>(row);
    if (second) add_row<1>(row + width);
    row += 2 * width;
    if (complete) {
      const V a = sums[live - 1][0], b = sums[live - 1][1];
      write(to, in_order(pick<0>(a, b) + pick<1>(a, b)));
      to += out_width;
    }
    for (int h = 0; h < 2; ++h) {
      for (int d = live - 1; d > 0; --d) sums[d][h] = sums[d - 1][h];
      sums[0][h] = bias;
    }
  }

  template <int first>
  [[gnu::always_inline]] void add_row(const T* from) {
    for (int h = 0; h < 2; ++h) {
      for (int m = 0; m < pairs<K>; ++m) {
        const T* at = from + h * L + 2 * m;
        const V pixels = at_edge || 2 * m + 1 == K ? load_where(keep[h][m], at) : V::load_unaligned(at);
        for (int p = first; p < K; p += 2)
          sums[p / 2][h] = multiply_add(weights[p][m], pixels, sums[p / 2][h]);
      }
    }
  }
};

/// All planes; `wide` if they take more than one strip.
template <class V, int K, bool wide>
class Stride2Forward {
  using T = Element<V>;
  using Taps = Stride2Taps<V, K>;
  static constexpr std::int64_t L = lanes_of<V>;

 public:
  explicit Stride2Forward(const Geometry& g)
      : g_(g),
        last_column_(std::max<std::int64_t>(0, g.out_width - L)),
        first_(g, 0),
        last_(g, last_column_),
        rows_(g, (K - 1) / 2 + 1) {}

  void run(const T* x, const T* W, const T* b, T* y, std::int64_t begin, std::int64_t end) const {
    const RowWriter<V> write{y + end * g_.out_plane(), std::min(L, g_.out_width)};
    const std::int64_t offset = rows_.top * g_.width - g_.pad_x;
    PlaneWalk walk(g_, begin);
    for (std::int64_t plane = begin; plane < end; ++plane, walk.next()) {
      const T* w = W + walk.kernel_offset();
      const T bias = b == nullptr ? T(0) : b[walk.out_channel()];
      const T* from = x + walk.input() * g_.plane() + offset;
      Prefetch<T, false> ahead(from + g_.plane(), g_.plane());
      T* to = y + plane * g_.out_plane();
      if (!wide) {
        Strip<true>(g_, from, ahead, w, bias, to, write, first_).slide(rows_);
        continue;
      }
      for (std::int64_t column = 0;; column = std::min(column + L, last_column_)) {
        const Taps* taps = column == 0 ? &first_ : column == last_column_ ? &last_ : nullptr;
        Taps others;
        if (taps == nullptr && (!has_own_loops<T, K> || is_at_edge(column))) {
          others = Taps(g_, column);
          taps = &others;
        }
        if (taps != nullptr) {
          Strip<true>(g_, from + 2 * column, ahead, w, bias, to + column, write, *taps).slide(rows_);
        } else if constexpr (has_own_loops<T, K>) {
          Strip<false>(g_, from + 2 * column, ahead, w, bias, to + column, write, first_).slide(rows_);
        }
        if (column == last_column_) break;
      }
    }
  }

 private:
  template <bool at_edge>
  using Strip = Stride2ForwardStrip<V, K, wide, at_edge>;

  /// Padded by more than half a kernel, more than one strip sees the edge.
  [[nodiscard]] bool is_at_edge(std::int64_t column) const {
    return 2 * column < g_.pad_x || 2 * (column + L) - g_.pad_x + K - 1 > g_.width;
  }

  const Geometry& g_;
  std::int64_t last_column_;
  Taps first_, last_;
  Stride2Rows rows_;
};

template <class T, int K>
void forward_stride2(const Geometry& g, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
                     std::int64_t end, std::byte* /*scratch*/) {
#if defined(__AVX2__)
  if constexpr (std::is_same_v<T, float> && K == 3) {
    if (is_tiny(g)) return TinyForward(g).run(x, W, b, y, begin, end);
  }
#endif
  if (has_own_loops<T, K> && g.out_width <= lanes_of<NarrowBatch<T>>) {
    Stride2Forward<NarrowBatch<T>, K, !has_own_loops<T, K>>(g).run(x, W, b, y, begin, end);
  } else {
    Stride2Forward<NarrowBatch<T>, K, true>(g).run(x, W, b, y, begin, end);
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise

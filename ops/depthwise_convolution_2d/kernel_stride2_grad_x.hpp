// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gx(gy, W) of K x K kernels at stride 2.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_lanes.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_tiny.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride2_tiny_avx2.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Which lanes of gy, moved right by m columns, exist.
template <class V, int K>
struct Stride2Shifts {
  static constexpr int count = (K - 1) / 2 + 1;
  V keep[count];

  Stride2Shifts() = default;
  Stride2Shifts(const Geometry& g, std::int64_t out_column) {
    for (int m = 0; m < count; ++m) {
      keep[m] = out_of_order(lane_mask<V>(m - out_column, g.out_width + m - out_column));
    }
  }
};

/// The steps down a plane. Each sees a row of gy and completes two image rows, the first of which has an even
/// distance from the pad's edge.
struct Stride2GradRows {
  std::int64_t before;  ///< steps above the image
  bool second_alone;    ///< a step whose first row is above the image
  std::int64_t full;    ///< steps with everything
  std::int64_t behind;  ///< steps below gy
  bool first_alone;     ///< a last step whose second row is below the image
  bool last_gradient;   ///< that one sees a row of gy

  explicit Stride2GradRows(const Geometry& g) {
    const std::int64_t start = (g.pad_y + 1) / 2, end = (g.pad_y + g.height) / 2;
    before = g.pad_y / 2;
    second_alone = g.pad_y % 2 != 0;
    full = std::max<std::int64_t>(0, std::min(end, g.out_height) - start);
    behind = end - start - full;
    first_alone = (g.pad_y + g.height) % 2 != 0;
    last_gradient = end < g.out_height;
  }
};

/// gx at two vectors of image columns, sliding down the plane: a row of gy goes into the K image rows that
/// its windows saw. Even and odd columns (counted from the pad's edge) see different taps and are computed
/// apart; `phase` is 1 if the first column is odd. `even[p]` and `odd[p]` are the rows to come.
template <class V, int K, int phase, bool wide, bool at_edge>
struct Stride2GradXStrip {
  using T = Element<V>;
  static constexpr std::int64_t L = lanes_of<V>;
  static constexpr int shifts = (K - 1) / 2 + 1;

  const T* row;
  const T* w;
  T* to;
  Prefetch<T, true>& next;
  RowWriter<V> write, write_rest;
  std::int64_t width, out_width, multiplier, out_plane, next_kernel;
  V weights[K * K];
  V keep[shifts];
  V even[K], odd[K];

  [[gnu::always_inline]] Stride2GradXStrip(const Geometry& g, Prefetch<T, true>& ahead, const T* gy,
                                           const T* kernel, T* gx, T* limit, std::int64_t count,
                                           const Stride2Shifts<V, K>& edge)
      : row(gy),
        w(kernel),
        to(gx),
        next(ahead),
        write{limit, std::min(L, count)},
        write_rest{limit, count - L},
        width(g.width),
        out_width(g.out_width),
        multiplier(g.multiplier),
        out_plane(g.out_plane()),
        next_kernel(g.channels * K * K) {
    for (int i = 0; i < K * K; ++i) weights[i] = V(w[i]);
    for (int m = 0; m < shifts; ++m) keep[m] = edge.keep[m];
    for (int p = 0; p < K; ++p) even[p] = odd[p] = V(T(0));
  }

  [[gnu::always_inline]] void slide(const Stride2GradRows& rows) {
    for (std::int64_t n = rows.before; n > 0; --n) step<true, false, false>();
    if (rows.second_alone) step<true, false, true>();
    for (std::int64_t n = rows.full; n > 0; --n) step<true, true, true>();
    for (std::int64_t n = rows.behind; n > 0; --n) step<false, true, true>();
    if (!rows.first_alone) return;
    if (rows.last_gradient) {
      step<true, true, false>();
    } else {
      step<false, true, false>();
    }
  }

  template <bool gradient, bool first, bool second>
  [[gnu::always_inline]] void step() {
    if (!gradient || !has_own_loops<T, K>) {
      for (int p = K - 2; p < K; ++p) even[p] = odd[p] = V(T(0));
    }
    if (gradient) {
      if constexpr (has_own_loops<T, K>) add_row<true>(row, weights);
      for (std::int64_t m = has_own_loops<T, K> ? 1 : 0; m < multiplier; ++m) {
        add_row<false>(row + m * out_plane, w + m * next_kernel);
      }
      row += out_width;
    }
    if (wide && gradient && first && second) next.fetch();
    if (first) write_row<0>(to);
    if (second) write_row<1>(to + width);
    if (first || second) to += 2 * width;
    unroll<K - 2>([&](auto p) __attribute__((always_inline)) {
      even[p] = even[p + 2];
      odd[p] = odd[p + 2];
    });
  }

  template <int p>
  [[gnu::always_inline]] void write_row(T* at) const {
    const V a = phase == 0 ? even[p] : odd[p];
    const V b = phase == 0 ? odd[p] : even[p];
    write(at, zip<0>(a, b));
    if (write_rest.count > 0) write_rest(at + L, zip<1>(a, b));
  }

  template <bool is_first, class Weights>
  [[gnu::always_inline]] void add_row(const T* gradient, const Weights& from) {
    V gradients[shifts];
    for (int m = 0; m < shifts; ++m) {
      const V v = out_of_order(V::load_unaligned(gradient - m));
      gradients[m] = at_edge ? v & keep[m] : v;
    }
    unroll<K>([&](auto p) __attribute__((always_inline)) {
      // The last two rows see their first gradients.
      constexpr bool is_fresh = is_first && p + 2 >= K;
      V a = V(from[p * K]) * gradients[0];
      V b = V(from[p * K + 1]) * gradients[phase];
      unroll<(K - 1) / 2>([&](auto i) __attribute__((always_inline)) {
        a = multiply_add(V(from[p * K + 2 * i + 2]), gradients[i + 1], a);
      });
      unroll<K / 2 - 1>([&](auto i) __attribute__((always_inline)) {
        b = multiply_add(V(from[p * K + 2 * i + 3]), gradients[i + 1 + phase], b);
      });
      even[p] = is_fresh ? a : even[p] + a;
      odd[p] = is_fresh ? b : odd[p] + b;
    });
  }
};

/// All planes; `wide` if they take more than one strip.
template <class V, int K, int phase, bool wide>
class Stride2GradX {
  using T = Element<V>;
  using Shifts = Stride2Shifts<V, K>;
  static constexpr std::int64_t L = lanes_of<V>;

 public:
  explicit Stride2GradX(const Geometry& g)
      : g_(g),
        last_column_(g.width > 2 * L ? (g.width - 2 * L + 1) / 2 * 2 : 0),
        first_(g, out_column(0)),
        last_(g, out_column(last_column_)),
        rows_(g) {}

  void run(const T* gy, const T* W, T* gx, std::int64_t begin, std::int64_t end) const {
    T* limit = gx + end * g_.plane();
    std::int64_t channel = begin % g_.channels;
    for (std::int64_t plane = begin; plane < end; ++plane) {
      const T* w = W + channel * K * K;
      if (++channel == g_.channels) channel = 0;
      const T* from = gy + plane * g_.multiplier * g_.out_plane();
      T* to = gx + plane * g_.plane() - g_.pad_y % 2 * g_.width;
      Prefetch<T, true> ahead(gx + (plane + 1) * g_.plane(), g_.plane());
      if (!wide) {
        Strip<true>(g_, ahead, from + out_column(0), w, to, limit, g_.width, first_).slide(rows_);
        continue;
      }
      // From right to left: the last strip may spill one element into the next row.
      for (std::int64_t column = last_column_;; column = (column - 1) / (2 * L) * (2 * L)) {
        const T* row = from + out_column(column);
        const Shifts* shifts = column == 0 ? &first_ : column == last_column_ ? &last_ : nullptr;
        Shifts others;
        if (shifts == nullptr && (!has_own_loops<T, K> || is_at_edge(column))) {
          others = Shifts(g_, out_column(column));
          shifts = &others;
        }
        const std::int64_t count = std::min(2 * L, g_.width - column);
        if (shifts != nullptr) {
          Strip<true>(g_, ahead, row, w, to + column, limit, count, *shifts).slide(rows_);
        } else if constexpr (has_own_loops<T, K>) {
          Strip<false>(g_, ahead, row, w, to + column, limit, count, first_).slide(rows_);
        }
        if (column == 0) break;
      }
    }
  }

 private:
  template <bool at_edge>
  using Strip = Stride2GradXStrip<V, K, phase, wide, at_edge>;

  /// The column of gy that an even image column's first tap meets.
  [[nodiscard]] std::int64_t out_column(std::int64_t column) const {
    return g_.pad_x / 2 + column / 2 + phase;
  }
  [[nodiscard]] bool is_at_edge(std::int64_t column) const {
    return out_column(column) < Shifts::count - 1 || out_column(column) + L > g_.out_width;
  }

  const Geometry& g_;
  std::int64_t last_column_;
  Shifts first_, last_;
  Stride2GradRows rows_;
};

template <class T, int K>
void grad_x_stride2(const Geometry& g, const T* gy, const T* W, T* gx, std::int64_t begin, std::int64_t end,
                    std::byte* /*scratch*/) {
#if defined(__AVX2__)
  if constexpr (std::is_same_v<T, float> && K == 3) {
    if (is_tiny(g)) return TinyGradX(g).run(gy, W, gx, begin, end);
  }
#endif
  const auto run = [&]<bool wide>(std::bool_constant<wide>) {
    if (g.pad_x % 2 == 0) {
      Stride2GradX<NarrowBatch<T>, K, 0, wide>(g).run(gy, W, gx, begin, end);
    } else {
      Stride2GradX<NarrowBatch<T>, K, 1, wide>(g).run(gy, W, gx, begin, end);
    }
  };
  if (has_own_loops<T, K> && g.width <= 2 * lanes_of<NarrowBatch<T>>) {
    run(std::bool_constant<!has_own_loops<T, K>>{});
  } else {
    run(std::true_type{});
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise

// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: y(x, W, b) and gx(gy, W) of stride 1, dilation 1. The second is the first with
// the taps in reverse order, gy for x and the padding that makes the sizes fit; so there is one kernel.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_strips.hpp>

namespace fathom::ops::depthwise {
namespace {

/// A convolution of stride 1. An output plane is the sum over `sources` image planes; an image plane goes
/// into `repeats` output planes. One of both numbers is 1, the other the multiplier.
struct Stride1 {
  std::int64_t channels, repeats, sources;
  std::int64_t height, width;  ///< of the image
  std::int64_t out_height, out_width;
  std::int64_t pad_y, pad_x;  ///< pad_y may be negative
  std::int64_t tap_step;      ///< 1, or -1: the taps from the last to the first
  std::int64_t kernel_plane;

  [[nodiscard]] static Stride1 forward(const Geometry& g) {
    return {g.channels,  g.multiplier, 1,       g.height, g.width,         g.out_height,
            g.out_width, g.pad_y,      g.pad_x, 1,        g.kernel_plane()};
  }
  [[nodiscard]] static Stride1 grad_x(const Geometry& g) {
    return {g.channels,
            1,
            g.multiplier,
            g.out_height,
            g.out_width,
            g.height,
            g.width,
            g.kernel_y - 1 - g.pad_y,
            g.kernel_x - 1 - g.pad_x,
            -1,
            g.kernel_plane()};
  }
};

/// One output plane and where its sources begin: image plane s is x + s * plane, its taps are
/// taps + s * channels * kernel_plane.
template <class T>
struct Plane {
  const T* x;
  const T* taps;
  T bias;
  T* y;
};

/// Which lanes of a strip's vectors lie in the image, for each column of taps.
template <class V, int K>
struct Edge {
  LoadMask<V> inside[K];

  Edge() {}
  Edge(const Stride1& s, std::int64_t column) {
    for (int q = 0; q < K; ++q) {
      const std::int64_t first = column + q - s.pad_x;
      inside[q] = LoadMask<V>(-first, s.width - first);
    }
  }

  [[nodiscard]] static bool is_at(const Stride1& s, std::int64_t column) {
    return column < s.pad_x || column + lanes_of<V> > s.out_width - s.pad_x;
  }
};

/// Calls `f` with each number below n as a constant: arrays stay in registers if no index is a variable.
template <int n, class F>
[[gnu::always_inline]] inline void unroll(F f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}

/// Takes image rows from above to below; `sums_[p]` is the output row whose tap row p met the last of them.
template <class V, int K, bool at_edge>
class Slide {
  using T = Element<V>;

 public:
  [[gnu::always_inline]] Slide(const Edge<V, K>& edge, const T* taps, std::int64_t tap_step, T start)
      : edge_(edge), start_(start) {
    unroll<K * K>([&](auto i) __attribute__((always_inline)) { taps_[i] = V(taps[i * tap_step]); });
    unroll<K>([&](auto p) __attribute__((always_inline)) { sums_[p] = start_; });
  }

  /// Tap rows first .. last meet an image row; the vector of tap column q begins at x + q.
  template <int first, int last>
  [[gnu::always_inline]] void feed(const T* x) {
    V pixels[K];
    unroll<K>([&](auto q) __attribute__((always_inline)) {
      pixels[q] = at_edge ? load_where<V>(edge_.inside[q], x + q) : V::load_unaligned(x + q);
    });
    unroll<last - first + 1>([&](auto i) __attribute__((always_inline)) {
      constexpr int p = last - i;
      // A fresh short chain: adding it costs one addition of latency.
      V sum = p == 0 ? multiply_add(taps_[0], pixels[0], start_) : taps_[p * K] * pixels[0];
      unroll<K - 1>([&](auto q) __attribute__((always_inline)) {
        sum = multiply_add(taps_[p * K + q + 1], pixels[q + 1], sum);
      });
      push<p>(sum);
    });
  }

  /// Tap rows first .. last meet a row that lies outside of the image.
  template <int first, int last>
  [[gnu::always_inline]] void skip() {
    unroll<last - first + 1>([&](auto i) __attribute__((always_inline)) {
      constexpr int p = last - i;
      if constexpr (p == 0) {
        sums_[0] = start_;
      } else {
        sums_[p] = sums_[p - 1];
      }
    });
  }

  [[nodiscard]] V done() const { return sums_[K - 1]; }

 private:
  template <int p>
  [[gnu::always_inline]] void push(V sum) {
    if constexpr (p == 0) {
      sums_[0] = sum;
    } else {
      sums_[p] = sums_[p - 1] + sum;
    }
  }

  const Edge<V, K> edge_;
  const V start_;
  V taps_[K * K];
  V sums_[K];
};

/// Output rows [begin, end) of the strip of `count` columns from `column` on, all sources: strips overlap, so
/// each must be complete before the next. Parameters by value, so that no store seems to change them.
template <class V, int K, bool at_edge>
[[gnu::always_inline]] inline void make_strip(const Stride1 s, const Edge<V, K> edge,
                                              const Plane<Element<V>> plane, const std::int64_t column,
                                              const LaneStore<V> write, const std::int64_t count,
                                              const std::int64_t begin, const std::int64_t end) {
  using T = Element<V>;
  // Too few rows to tell the first from the last: all tap rows meet all of them.
  const bool is_short = end - begin < K - 1;
  for (std::int64_t source = 0; source < s.sources; ++source) {
    Slide<V, K, at_edge> slide(edge, plane.taps + source * s.channels * s.kernel_plane, s.tap_step,
                               source == 0 ? plane.bias : T(0));
    // The first output row that sees an image row, and that image row.
    std::int64_t row = begin - s.pad_y;
    const T* x = plane.x + (source * s.height + row) * s.width + column - s.pad_x;
    T* y = plane.y + begin * s.out_width + column;
    const auto feed = [&]<int first, int last>(std::integer_sequence<int, first, last>)
        __attribute__((always_inline)) {
      if (static_cast<std::uint64_t>(row) < static_cast<std::uint64_t>(s.height)) {
        slide.template feed<first, last>(x);
      } else {
        slide.template skip<first, last>();
      }
      ++row;
      x += s.width;
    };
    const auto store = [&]() __attribute__((always_inline)) {
      write(y, source == 0 ? slide.done() : slide.done() + load_lanes<V>(y, count));
      y += s.out_width;
    };
    const std::int64_t last = is_short ? end + K - 1 - s.pad_y : end - s.pad_y;
    if (!is_short)
      unroll<K - 1>([&](auto p) __attribute__((always_inline)) { feed(std::integer_sequence<int, 0, p>{}); });
    while (row < last) {
      feed(std::integer_sequence<int, 0, K - 1>{});
      if (row >= begin - s.pad_y + K) store();
    }
    if (is_short) continue;
    unroll<K - 1>([&](auto p) __attribute__((always_inline)) {
      feed(std::integer_sequence<int, p + 1, K - 1>{});
      store();
    });
  }
}

/// Calls `visit(plane)` for output planes [begin, end). Counts instead of dividing, which would take as long
/// as a small plane.
template <class T, class Visit>
[[gnu::always_inline]] inline void for_each_plane(const Stride1& s, const T* x, const T* W, const T* b, T* y,
                                                  std::int64_t begin, std::int64_t end, Visit visit) {
  const std::int64_t image = begin / s.repeats;
  std::int64_t channel = image % s.channels, repeat = begin % s.repeats;
  Plane<T> plane{x + image * s.sources * s.height * s.width, nullptr, T(0),
                 y + begin * s.out_height * s.out_width};
  const T* first = W + (s.tap_step < 0 ? s.kernel_plane - 1 : 0);
  for (std::int64_t i = begin; i < end; ++i) {
    plane.taps = first + (repeat * s.channels + channel) * s.kernel_plane;
    if (b != nullptr) plane.bias = b[channel * s.repeats + repeat];
    visit(plane);
    plane.y += s.out_height * s.out_width;
    if (++repeat < s.repeats) continue;
    repeat = 0;
    plane.x += s.sources * s.height * s.width;
    if (++channel == s.channels) channel = 0;
  }
}

/// Planes as wide as one vector.
template <class V, int K>
void make_narrow(const Stride1 s, const Element<V>* x, const Element<V>* W, const Element<V>* b,
                 Element<V>* y, std::int64_t begin, std::int64_t end) {
  const Edge<V, K> edge(s, 0);
  const LaneStore<V> write(s.out_width);
  for_each_plane(
      s, x, W, b, y, begin, end, [&](const Plane<Element<V>>& plane) __attribute__((always_inline)) {
        make_strip<V, K, true>(s, edge, plane, 0, write, s.out_width, 0, s.out_height);
      });
}

template <class V, int K>
[[gnu::noinline]] void make_edge(const Stride1& s, const Edge<V, K>& edge, const Plane<Element<V>>& plane,
                                 std::int64_t column, std::int64_t begin, std::int64_t end) {
  make_strip<V, K, true>(s, edge, plane, column, LaneStore<V>(lanes_of<V>), lanes_of<V>, begin, end);
}

template <class V, int K>
[[gnu::noinline]] void make_middle(const Stride1& s, const Plane<Element<V>>& plane, std::int64_t column,
                                   std::int64_t begin, std::int64_t end) {
  make_strip<V, K, false>(s, {}, plane, column, LaneStore<V>(lanes_of<V>), lanes_of<V>, begin, end);
}

/// Planes of more elements are made in bands of rows, so that strips find each other's lines in the cache.
constexpr std::int64_t kBandFrom = 4096, kBandRows = 16;

/// Wider planes: strips side by side. The last one starts earlier rather than being narrower: what it shares
/// with its neighbour is computed twice, alike.
template <class T, int K>
void make_wide(const Stride1& s, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
               std::int64_t end) {
  using Wide = Batch<T>;
  using Narrow = NarrowBatch<T>;
  const std::int64_t rest = s.out_width % lanes_of<Wide>;
  const bool is_last_narrow = rest > 0 && rest <= lanes_of<Narrow>;
  const std::int64_t wide_end = s.out_width - rest;
  const Edge<Wide, K> first(s, 0), last(s, s.out_width - lanes_of<Wide>);
  const Edge<Narrow, K> narrow_last(s, s.out_width - lanes_of<Narrow>);
  const std::int64_t band = s.out_height * s.out_width > kBandFrom ? kBandRows : s.out_height;

  for_each_plane(s, x, W, b, y, begin, end, [&](const Plane<T>& plane) {
    for (std::int64_t row = 0; row < s.out_height; row += band) {
      const std::int64_t row_end = std::min(row + band, s.out_height);
      make_edge<Wide, K>(s, first, plane, 0, row, row_end);
      for (std::int64_t column = lanes_of<Wide>; column < wide_end; column += lanes_of<Wide>) {
        if (Edge<Wide, K>::is_at(s, column)) {
          make_edge<Wide, K>(s, Edge<Wide, K>(s, column), plane, column, row, row_end);
        } else {
          make_middle<Wide, K>(s, plane, column, row, row_end);
        }
      }
      if (is_last_narrow) {
        make_edge<Narrow, K>(s, narrow_last, plane, s.out_width - lanes_of<Narrow>, row, row_end);
      } else if (rest > 0) {
        make_edge<Wide, K>(s, last, plane, s.out_width - lanes_of<Wide>, row, row_end);
      }
    }
  });
}

}  // namespace
}  // namespace fathom::ops::depthwise

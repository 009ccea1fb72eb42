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

/// One output plane and where its sources begin: image plane i is x + i * plane, its taps are
/// taps + i * channels * kernel_plane.
template <class T>
struct Plane {
  const T* x;
  const T* taps;
  T bias;
  T* y;
};

/// Walks along the output planes. Counts instead of dividing, which would take as long as a small plane.
template <class T>
class Planes {
 public:
  Planes(const Stride1& s, const T* x, const T* W, const T* b, T* y, std::int64_t begin)
      : x_(x + begin / s.repeats * s.sources * s.height * s.width),
        y_(y + begin * s.out_height * s.out_width),
        first_tap_(W + (s.tap_step < 0 ? s.kernel_plane - 1 : 0)),
        b_(b),
        channel_(begin / s.repeats % s.channels),
        repeat_(begin % s.repeats) {}

  [[nodiscard]] [[gnu::always_inline]] Plane<T> plane(const Stride1& s) const {
    return {x_, first_tap_ + (repeat_ * s.channels + channel_) * s.kernel_plane,
            b_ == nullptr ? T(0) : b_[channel_ * s.repeats + repeat_], y_};
  }

  [[gnu::always_inline]] void advance(const Stride1& s) {
    y_ += s.out_height * s.out_width;
    if (++repeat_ < s.repeats) return;
    repeat_ = 0;
    x_ += s.sources * s.height * s.width;
    if (++channel_ == s.channels) channel_ = 0;
  }

 private:
  const T* x_;
  T* y_;
  const T* first_tap_;
  const T* b_;
  std::int64_t channel_, repeat_;
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

/// Elements of a plane that is made strip by strip, in bands of rows if it has many more, and of planes that
/// are made together.
constexpr std::int64_t kLarge = 2048, kBand = 16384, kBlock = 1024;

/// A strip of output columns [column, column + count), in output rows [begin, end).
struct Strip {
  std::int64_t column, count, begin, end;
};

/// Makes a strip of a plane, or adds to it. By value, so that no store seems to change a parameter.
template <class V, int K, bool at_edge, bool fetches, class Store>
[[gnu::always_inline]] inline void slide_down(const Stride1 s, const Strip strip, const Edge<V, K> edge,
                                              const Store store, const Plane<Element<V>> plane,
                                              const bool adds) {
  using T = Element<V>;
  Slide<V, K, at_edge> slide(edge, plane.taps, s.tap_step, plane.bias);
  // The image row that the first output row sees first.
  std::int64_t row = strip.begin - s.pad_y;
  const T* x = plane.x + row * s.width + strip.column - s.pad_x;
  T* y = plane.y + strip.begin * s.out_width + strip.column;
  const std::int64_t ahead = (strip.end - strip.begin) * s.out_width;
  const auto feed = [&]<int first, int last>(std::integer_sequence<int, first, last>)
      __attribute__((always_inline)) {
    if (static_cast<std::uint64_t>(row) < static_cast<std::uint64_t>(s.height)) {
      slide.template feed<first, last>(x);
    } else {
      slide.template skip<first, last>();
    }
    ++row;
    if (fetches) __builtin_prefetch(x + ahead, 0, 2);
    x += s.width;
  };
  const auto finish_row = [&]() __attribute__((always_inline)) {
    store(y, adds ? slide.done() + load_lanes<V>(y, strip.count) : slide.done());
    if (fetches) __builtin_prefetch(y + ahead, 1, 3);
    y += s.out_width;
  };
  const std::int64_t last = strip.end - s.pad_y;
  if (strip.end - strip.begin <
      K - 1) {  // all tap rows meet all image rows: output rows beyond are not stored
    for (int i = 0; i < K - 1; ++i) feed(std::integer_sequence<int, 0, K - 1>{});
    for (; row < last + K - 1;) {
      feed(std::integer_sequence<int, 0, K - 1>{});
      finish_row();
    }
    return;
  }
  unroll<K - 1>([&](auto p) __attribute__((always_inline)) { feed(std::integer_sequence<int, 0, p>{}); });
  while (row < last) {
    feed(std::integer_sequence<int, 0, K - 1>{});
    finish_row();
  }
  unroll<K - 1>([&](auto p) __attribute__((always_inline)) {
    feed(std::integer_sequence<int, p + 1, K - 1>{});
    finish_row();
  });
}

template <class V>
struct FullStore {
  explicit FullStore(std::int64_t) {}
  [[gnu::always_inline]] void operator()(Element<V>* to, V v) const { v.store_unaligned(to); }
};

/// The strip from `column` on of `count` planes, all sources: strips overlap, so each must be complete before
/// the next. Numbers instead of structures: a load of two fields at once would wait for their stores.
template <class V, int K, bool at_edge, bool fetches, bool is_sum, class Store>
[[gnu::noinline]] void make_strips(const Stride1& sizes, const Planes<Element<V>>& first, std::int64_t count,
                                   std::int64_t column, std::int64_t begin, std::int64_t end) {
  const Stride1 s = sizes;
  Planes<Element<V>> planes = first;
  const Strip strip{column, std::min<std::int64_t>(s.out_width, lanes_of<V>), begin, end};
  const Edge<V, K> edge(s, column);
  const Store store(strip.count);
  for (std::int64_t i = 0; i < count; ++i) {
    Plane<Element<V>> plane = planes.plane(s);
    for (std::int64_t source = 0; source < (is_sum ? s.sources : 1); ++source) {
      slide_down<V, K, at_edge, fetches>(s, strip, edge, store, plane, is_sum && source > 0);
      plane.x += s.height * s.width;
      plane.taps += s.channels * s.kernel_plane;
      plane.bias = 0;
    }
    planes.advance(s);
  }
}

template <class V, int K>
void make_strips(const Stride1& s, const Planes<Element<V>>& planes, std::int64_t count, std::int64_t column,
                 std::int64_t begin, std::int64_t end) {
  using Short = LaneStore<V>;
  using Full = FullStore<V>;
  if (s.sources > 1) return make_strips<V, K, true, true, true, Short>(s, planes, count, column, begin, end);
  if (s.out_width < lanes_of<V>) {
    return make_strips<V, K, true, false, false, Short>(s, planes, count, column, begin, end);
  }
  const bool is_at_edge = Edge<V, K>::is_at(s, column);
  if (s.out_height * s.out_width > kLarge) {
    // The caches' own prefetching loses itself in strips.
    is_at_edge ? make_strips<V, K, true, true, false, Full>(s, planes, count, column, begin, end)
               : make_strips<V, K, false, true, false, Full>(s, planes, count, column, begin, end);
  } else {
    is_at_edge ? make_strips<V, K, true, false, false, Full>(s, planes, count, column, begin, end)
               : make_strips<V, K, false, false, false, Full>(s, planes, count, column, begin, end);
  }
}

/// Output rows [begin, end) of `count` planes, in strips side by side. The last one starts earlier rather
/// than being narrower: what it shares with its neighbour is computed twice, alike.
template <class T, int K>
void make_rows(const Stride1& s, const Planes<T>& planes, std::int64_t count, std::int64_t begin,
               std::int64_t end) {
  using Wide = Batch<T>;
  using Narrow = NarrowBatch<T>;
  std::int64_t column = 0;
  for (; column + lanes_of<Wide> <= s.out_width; column += lanes_of<Wide>) {
    make_strips<Wide, K>(s, planes, count, column, begin, end);
  }
  const std::int64_t rest = s.out_width - column;
  if (rest > lanes_of<Narrow>) {
    make_strips<Wide, K>(s, planes, count, std::max<std::int64_t>(0, s.out_width - lanes_of<Wide>), begin,
                         end);
  } else if (rest > 0) {
    make_strips<Narrow, K>(s, planes, count, std::max<std::int64_t>(0, s.out_width - lanes_of<Narrow>), begin,
                           end);
  }
}

template <class T, int K>
void make_planes(const Stride1& s, Planes<T> planes, std::int64_t count) {
  const bool is_one_strip = s.out_width <= lanes_of<Batch<T>>;
  const std::int64_t block =
      is_one_strip ? count : std::max<std::int64_t>(1, kBlock / (s.out_height * s.out_width));
  const std::int64_t band = std::max<std::int64_t>(16, kBand / s.out_width);
  for (std::int64_t done = 0; done < count; done += block) {
    const std::int64_t now = std::min(block, count - done);
    for (std::int64_t row = 0; row < s.out_height; row += band) {
      make_rows<T, K>(s, planes, now, row, std::min(row + band, s.out_height));
    }
    for (std::int64_t i = 0; i < now; ++i) planes.advance(s);
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise

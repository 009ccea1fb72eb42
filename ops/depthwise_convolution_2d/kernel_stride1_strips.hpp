// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: planes of stride 1 in strips one vector wide.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride1.hpp>

namespace fathom::ops::depthwise {
namespace {

constexpr std::int64_t kBand = 16384;  ///< of the rows that strips run down before the next strip begins
constexpr std::int64_t kBlock = 1024;  ///< of small planes that are made together, strip by strip

/// A strip of output columns [column, column + count), in output rows [begin, end).
struct Strip {
  std::int64_t column, count, begin, end;
};

/// Makes a strip of a plane, or adds to it. `fetches`: each row fetches a line of what comes next, as the
/// processor's own prefetching loses itself in strips. By value, so that no store seems to change a
/// parameter.
template <class V, int K, int sources, bool at_edge, bool fetches, class Store>
[[gnu::always_inline]] inline void slide_down(const Stride1 s, const Strip strip, const Edge<V, K> edge,
                                              const Store store, const Plane<Element<V>> plane,
                                              const bool adds) {
  using T = Element<V>;
  Slide<V, K, sources, at_edge> slide(edge, plane.taps, s.tap_step, s.channels * s.kernel_plane, plane.bias);
  const std::int64_t image = s.height * s.width;
  // The image row that the first output row sees first.
  std::int64_t row = strip.begin - s.pad_y;
  const T* x = plane.x + row * s.width + strip.column - s.pad_x;
  T* y = plane.y + strip.begin * s.out_width + strip.column;
  const std::int64_t ahead = (strip.end - strip.begin) * s.out_width;
  // The last source of a plane has its next plane behind the other sources'.
  const std::int64_t x_ahead = ahead == s.out_height * s.out_width ? ahead + (sources - 1) * image : ahead;
  const auto feed = [&]<int first, int last>(std::integer_sequence<int, first, last>)
      __attribute__((always_inline)) {
    if (static_cast<std::uint64_t>(row) < static_cast<std::uint64_t>(s.height)) {
      slide.template feed<first, last>(x, image);
    } else {
      slide.template skip<first, last>();
    }
    ++row;
    if (fetches) {
      unroll<sources>([&](auto i) __attribute__((always_inline)) {
        __builtin_prefetch(x + i * image + x_ahead, 0, 2);
      });
    }
    x += s.width;
  };
  const auto finish_row = [&]() __attribute__((always_inline)) {
    store(y, adds ? slide.done() + load_lanes<V>(y, strip.count) : slide.done());
    if (fetches) __builtin_prefetch(y + ahead, 1, 3);
    y += s.out_width;
  };
  const std::int64_t last = strip.end - s.pad_y;
  if (strip.end - strip.begin < K - 1) {
    // So few rows that the first are among the last: all tap rows meet all of them.
    for (int i = 0; i < K - 1; ++i) feed(std::integer_sequence<int, 0, K - 1>{});
    while (row < last + K - 1) {
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

/// Whether the taps of two sources fit into the registers.
template <class V, int K>
inline constexpr bool has_pairs =
#if defined(__AVX512F__)
    K == 3 && sizeof(Element<V>) == sizeof(float);
#else
    false;
#endif

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
    const auto make = [&]<int sources>(std::integral_constant<int, sources>, bool adds)
        __attribute__((always_inline)) {
      slide_down<V, K, sources, at_edge, fetches>(s, strip, edge, store, plane, adds);
      plane.x += sources * s.height * s.width;
      plane.taps += sources * s.channels * s.kernel_plane;
      plane.bias = 0;
    };
    if constexpr (is_sum) {
      std::int64_t source = 0;
      if constexpr (has_pairs<V, K>) {
        for (; source + 2 <= s.sources; source += 2) make(std::integral_constant<int, 2>{}, source > 0);
      }
      for (; source < s.sources; ++source) make(std::integral_constant<int, 1>{}, source > 0);
    } else {
      make(std::integral_constant<int, 1>{}, false);
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
  const std::int64_t plane = s.out_height * s.out_width;
  if constexpr (sizeof(Element<V>) == sizeof(double)) {
    // Two instances that do all: more of them were most of the library, for a tenth of the speed.
    fetches_next<Element<V>>(plane)
        ? make_strips<V, K, true, true, true, Short>(s, planes, count, column, begin, end)
        : make_strips<V, K, true, false, false, Short>(s, planes, count, column, begin, end);
  } else if (s.out_width < lanes_of<V>) {
    make_strips<V, K, true, false, false, Short>(s, planes, count, column, begin, end);
  } else if (K == 5 || fetches_next<Element<V>>(plane)) {
    // A row of 5 x 5 takes so long that fetching does not show.
    Edge<V, K>::is_at(s, column)
        ? make_strips<V, K, true, true, false, Full>(s, planes, count, column, begin, end)
        : make_strips<V, K, false, true, false, Full>(s, planes, count, column, begin, end);
  } else if constexpr (K != 5) {
    Edge<V, K>::is_at(s, column)
        ? make_strips<V, K, true, false, false, Full>(s, planes, count, column, begin, end)
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

/// All of `count` planes.
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

// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel unit: windows in vectors, and how a plane falls into such.
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include <fathom/core/simd/batch.hpp>
#include <fathom/ops/pooling_2d/geometry.hpp>

namespace fathom::ops::pooling {
namespace {

using simd::Batch;
using simd::lanes;

/// Calls visit(at, first, last) for each pixel of the windows of output row `row`: in the windows [first,
/// last) it lies inside the image, in the first of them at `at` in the plane, `stride_x` further on in each
/// next one.
template <class Visit>
void for_each_tap(const Geometry& g, std::int64_t row, Visit visit) {
  const std::int64_t top = row * g.stride_y - g.pad_y;
  const std::int64_t bottom = std::min(g.height, top + g.kernel_y);
  for (std::int64_t h = std::max<std::int64_t>(0, top); h < bottom; ++h) {
    for (std::int64_t q = 0; q < g.kernel_x; ++q) {
      const std::int64_t before = g.pad_x - q;  // what the first window's pixel lies left of the image
      const std::int64_t first = before <= 0 ? 0 : (before + g.stride_x - 1) / g.stride_x;
      const std::int64_t room = g.width - 1 + before;
      const std::int64_t last = room < 0 ? 0 : std::min(g.out_width, room / g.stride_x + 1);
      if (first < last) visit(h * g.width + first * g.stride_x - before, first, last);
    }
  }
}

/// Vectors of `bytes` bytes of pixels, and of whole numbers as wide.
template <class T, int bytes>
struct Vectors {
  static constexpr int kLanes = bytes / static_cast<int>(sizeof(T));
  using Whole = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using Pixels [[gnu::vector_size(bytes)]] = T;
  using Numbers [[gnu::vector_size(bytes)]] = Whole;
  using Positions [[gnu::vector_size(kLanes * 4)]] = std::int32_t;

  static Positions lane_numbers() {
    return []<int... i>(std::integer_sequence<int, i...>) { return Positions{i...}; }
    (std::make_integer_sequence<int, kLanes>{});
  }

  /// Lane i is from[S * i + phase], S = 0: from[stride * i], for the first `count` lanes. Of what lies behind
  /// their elements at most a vector less one element is read.
  template <int S, int phase = 0>
  [[gnu::always_inline]] static Pixels load(const T* from, std::int64_t stride, std::int64_t count) {
    Pixels near;
    if constexpr (S == 0) {
      for (int i = 0; i < kLanes; ++i) near[i] = from[stride * (i < count ? i : 0)];
      return near;
    } else {
      __builtin_memcpy(&near, from, bytes);
      if constexpr (S == 1) return near;
    }
    if constexpr (S == 2) {
      Pixels far = near;
      if (S * (count - 1) + phase >= kLanes) __builtin_memcpy(&far, from + kLanes, bytes);
      return [&]<int... i>(std::integer_sequence<int, i...>) {
        return Pixels(__builtin_shufflevector(near, far, (S * i + phase)...));
      }
      (std::make_integer_sequence<int, kLanes>{});
    }
  }
  /// Writes the first `count` lanes and, where there is room for a whole vector, anything behind them.
  template <class E, class V>
  [[gnu::always_inline]] static void store(const V& lanes, E* to, std::int64_t count, std::int64_t room) {
    if (room >= kLanes) {
      __builtin_memcpy(to, &lanes, sizeof lanes);
    } else {
      alignas(V) E buffer[kLanes];
      __builtin_memcpy(buffer, &lanes, sizeof lanes);
      for (std::int64_t i = 0; i < count; ++i) to[i] = buffer[i];
    }
  }
};

/// The widest vectors, and such of half the size for rows that fill no more.
template <class T>
using WholeVectors = Vectors<T, static_cast<int>(sizeof(T)) * lanes<T>>;
template <class T>
using HalfVectors = Vectors<T, std::max(16, static_cast<int>(sizeof(T)) * lanes<T> / 2)>;

/// Calls f(vectors, first element, elements) for the vectors of [0, length).
template <class T, class F>
[[gnu::always_inline]] inline void for_each_vector(std::int64_t length, F f) {
  std::int64_t i = 0;
  for (; length - i > HalfVectors<T>::kLanes; i += WholeVectors<T>::kLanes) {
    f(WholeVectors<T>{}, i, std::min<std::int64_t>(length - i, WholeVectors<T>::kLanes));
  }
  if (i < length) f(HalfVectors<T>{}, i, length - i);
}

/// Lines of windows that lie side by side inside the image's width.
struct Lines {
  std::int64_t at;             ///< of the first window's first pixel, in the plane
  std::int64_t rows, columns;  ///< of a window: rows that lie inside the image
  std::int64_t windows;        ///< of a line
  std::int64_t count;
  std::int64_t width, stride, down;  ///< of the plane; from window to window, from line to line
  std::int64_t out_width;
  std::int64_t room;  ///< results from the first one on that may be overwritten, since they are written later
};

/// Windows [first, last) lie inside one axis of the image.
struct Inner {
  Inner(std::int64_t size, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t pad)
      : first(std::min(out, (pad + stride - 1) / stride)),
        last(size + pad < kernel ? first : std::clamp((size + pad - kernel) / stride + 1, first, out)) {}
  std::int64_t first, last;
};

/// The windows of a plane: lines of such as lie inside the image's width, and the others.
class PlaneWindows {
 public:
  explicit PlaneWindows(const Geometry& geometry)
      : g_(geometry),
        rows_(g_.height, g_.out_height, g_.kernel_y, g_.stride_y, g_.pad_y),
        columns_(g_.width, g_.out_width, g_.kernel_x, g_.stride_x, g_.pad_x),
        has_others_(columns_.first > 0 || columns_.last < g_.out_width || rows_.first > 0 ||
                    rows_.last < g_.out_height) {}

  /// Calls f(lines, number of the first window, whether whole windows lie inside). Of the plane's results
  /// `room` from the first one on may be overwritten.
  template <class F>
  [[gnu::always_inline]] void for_each_lines(std::int64_t room, F f) const {
    const auto run = [&](std::int64_t begin, std::int64_t end, bool are_whole) {
      const Lines lines = lines_of(begin, end, room);
      if (lines.windows > 0) f(lines, begin * g_.out_width + columns_.first, are_whole);
    };
    for (std::int64_t row = 0; row < rows_.first; ++row) run(row, row + 1, false);
    if (rows_.first < rows_.last) run(rows_.first, rows_.last, true);
    for (std::int64_t row = rows_.last; row < g_.out_height; ++row) run(row, row + 1, false);
  }
  /// Calls f(row, column) for the others. To be called last: vectors write beyond their lines.
  template <class F>
  [[gnu::always_inline]] void for_each_other(F f) const {
    if (!has_others_) return;
    for (std::int64_t row = 0; row < g_.out_height; ++row) {
      const std::int64_t inner = lines_of(row, row + 1, 0).windows;
      for (std::int64_t column = 0; column < g_.out_width; ++column) {
        if (column == columns_.first) column += inner;
        if (column < g_.out_width) f(row, column);
      }
    }
  }

 private:
  /// Output rows [begin, end), whose windows lose as many rows to the border.
  [[nodiscard]] Lines lines_of(std::int64_t begin, std::int64_t end, std::int64_t room) const {
    const std::int64_t top = begin * g_.stride_y - g_.pad_y;
    const std::int64_t from = std::max<std::int64_t>(0, top), to = std::min(g_.height, top + g_.kernel_y);
    return {from * g_.width + columns_.first * g_.stride_x - g_.pad_x,
            to - from,
            g_.kernel_x,
            to > from ? columns_.last - columns_.first : 0,
            end - begin,
            g_.width,
            g_.stride_x,
            g_.stride_y * g_.width,
            g_.out_width,
            room - begin * g_.out_width - columns_.first};
  }

  const Geometry& g_;
  Inner rows_, columns_;
  bool has_others_;
};

}  // namespace
}  // namespace fathom::ops::pooling

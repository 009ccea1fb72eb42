// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: sums of products of vectors, one plane in each lane.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/geometry.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Takes arrays from a block of memory, or adds up how large it has to be.
class Scratch {
 public:
  explicit Scratch(std::byte* begin = nullptr) : begin_(begin) {}
  template <class U>
  U* take(std::int64_t count) {
    U* const taken = begin_ == nullptr ? nullptr : reinterpret_cast<U*>(begin_ + size_);
    size_ += (count * static_cast<std::int64_t>(sizeof(U)) + 63) / 64 * 64;
    return taken;
  }
  [[nodiscard]] std::int64_t size() const { return size_; }  ///< bytes

 private:
  std::byte* begin_;
  std::int64_t size_ = 0;
};

/// Bytes of a block of planes that stay in the second cache.
constexpr std::int64_t kGeneralBytes = 1 << 18;

/// One row is a plane of one column: bands of rows can share it out.
inline Geometry upright(Geometry g) {
  if (g.height != 1 || g.kernel_y != 1 || g.pad_y != 0) return g;
  std::swap(g.height, g.width);
  std::swap(g.kernel_y, g.kernel_x);
  std::swap(g.out_height, g.out_width);
  std::swap(g.stride_y, g.stride_x);
  std::swap(g.pad_y, g.pad_x);
  std::swap(g.dilation_y, g.dilation_x);
  return g;
}

inline std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// One axis of a pass. Output o meets source (o * step + pad - k * spacing) / phases through tap k, where
/// that is whole; outputs f, f + phases, ... are a phase and share their taps. One of step and phases is 1.
///
///     y:  outputs of y, step = stride, spacing = -dilation, pad = -pad     (gx: the other way round)
///     gx: outputs of x, phases = stride, spacing = dilation
///     gW: outputs of W, step = dilation, spacing = -stride, pad = -pad; taps are elements of gy
struct Axis {
  std::int64_t outputs, phases, step, taps, spacing, pad;

  [[nodiscard]] std::int64_t reach() const { return (taps - 1) * spacing; }
  /// The sources of the first `count` outputs are among lowest() .. highest(count).
  [[nodiscard]] std::int64_t lowest() const {
    return floor_div(pad - std::max<std::int64_t>(0, reach()), phases);
  }
  [[nodiscard]] std::int64_t highest(std::int64_t count) const {
    return floor_div((count - 1) * step + pad - std::min<std::int64_t>(0, reach()), phases);
  }
  /// Those of the first `count` outputs that belong to a phase.
  [[nodiscard]] std::int64_t count_of(std::int64_t phase, std::int64_t count) const {
    return phase < count ? (count - 1 - phase) / phases + 1 : 0;
  }
  /// Calls visit(tap, source of the phase's first output), sources ascending.
  template <class Visit>
  void for_each_tap(std::int64_t phase, Visit visit) const {
    for (std::int64_t i = 0; i < taps; ++i) {
      const std::int64_t tap = spacing < 0 ? i : taps - 1 - i;
      const std::int64_t distance = phase + pad - tap * spacing;
      if (phases == 1 || distance % phases == 0) visit(tap, distance / phases);
    }
  }
};

/// The part of a plane that `rows` rows of outputs see, rows of `pitch` pixels of which the image's begin at
/// `left`: pixels outside of it are there too, as zeros.
struct Window {
  std::int64_t lowest, rows, left, pitch;

  Window(const Axis& y, const Axis& x, std::int64_t outputs, std::int64_t width)
      : lowest(y.lowest()),
        rows(y.highest(outputs) - lowest + 1),
        left(std::max<std::int64_t>(0, -x.lowest())),
        pitch(left + std::max(width, x.highest(x.outputs) + 1)) {}
  [[nodiscard]] std::int64_t pixels() const { return rows * pitch; }
};

/// Rows of a window.
struct Rows {
  std::int64_t begin, end;
};

/// Which weight meets which source, as distances in elements; and the source's row in the window.
struct Tap {
  std::int64_t weight, source, row;
};

/// The taps of a phase, row by row.
struct Phase {
  std::int64_t y, x;
  const Tap* taps = nullptr;
  std::int64_t tap_rows = 0, tap_columns = 0;
};

/// Writes the taps of one phase; returns where they end. The weights of a tap row are `x.taps` vectors.
template <class T>
[[gnu::noinline]] Tap* make_phase(const Axis& y, const Axis& x, const Window& window, Phase& phase, Tap* to) {
  constexpr std::int64_t L = lanes<T>;
  phase.taps = to;
  y.for_each_tap(phase.y, [&](std::int64_t p, std::int64_t row) {
    ++phase.tap_rows;
    x.for_each_tap(phase.x, [&](std::int64_t q, std::int64_t column) {
      const std::int64_t pixel = (row - window.lowest) * window.pitch + window.left + column;
      *to++ = {(p * x.taps + q) * L, pixel * L, row - window.lowest};
    });
  });
  phase.tap_columns = phase.tap_rows == 0 ? 0 : (to - phase.taps) / phase.tap_rows;
  return to;
}

/// Writes the phases that have taps; returns where they end. There are as many taps as weights.
template <class T>
Phase* make_phases(const Axis& y, const Axis& x, const Window& window, Phase* to, Tap* taps) {
  for (std::int64_t f = 0; f < std::min(y.phases, y.outputs); ++f) {
    bool has_row = false;
    y.for_each_tap(f, [&](std::int64_t, std::int64_t) { has_row = true; });
    for (std::int64_t e = 0; has_row && e < std::min(x.phases, x.outputs); ++e) {
      Phase phase{.y = f, .x = e};
      taps = make_phase<T>(y, x, window, phase, taps);
      if (phase.tap_columns > 0) *to++ = phase;
    }
  }
  return to;
}

/// to[j * to_step] += the sum of weights[tap.weight] * from[j * from_step + tap.source] over the taps, all of
/// them vectors, for j < J.
template <class T, int J>
[[gnu::noinline]] void add_tile(const T* from, std::int64_t from_step, T* to, std::int64_t to_step,
                                const T* weights, const Tap* tap, const Tap* end) {
  using V = Batch<T>;
  const T* sources[J];
  V sums[J];
  unroll<J>([&](auto j) __attribute__((always_inline)) {
    sources[j] = from + j * from_step;
    sums[j] = V::load_aligned(to + j * to_step);
  });
  for (; tap != end; ++tap) {
    const V weight = V::load_aligned(weights + tap->weight);
    const std::int64_t source = tap->source;
    unroll<J>([&](auto j) __attribute__((always_inline)) {
      sums[j] = multiply_add(weight, V::load_aligned(sources[j] + source), sums[j]);
    });
  }
  unroll<J>([&](auto j) __attribute__((always_inline)) { sums[j].store_aligned(to + j * to_step); });
}

/// Outputs whose sums stay in registers while their taps go by.
constexpr int kTile = 8;
template <class T>
constexpr auto add_tile_of = []<int... j>(std::integer_sequence<int, j...>) {
  using AddTile = void (*)(const T*, std::int64_t, T*, std::int64_t, const T*, const Tap*, const Tap*);
  struct Table {
    AddTile of[kTile];
  };
  return Table{{&add_tile<T, j + 1>...}};
}
(std::make_integer_sequence<int, kTile>{});

/// Outputs of one phase and what they see, rows of columns, distances in elements.
struct Grid {
  std::int64_t rows, columns;
  std::int64_t step;  ///< rows of the window from row to row
  std::int64_t from_row, from_column, to_row, to_column;
};

/// Adds the taps' products to all outputs of a grid, in pieces of its rows, or of its columns where these are
/// longer than short rows. Taps that meet no row of `filled` are left out: the window is 0 there.
template <class T>
void add_products(const Grid& g, const Phase& phase, Rows filled, const T* weights, const T* from, T* to) {
  const bool along_rows = g.columns >= kTile / 2 || g.columns >= g.rows;
  const std::int64_t lines = along_rows ? g.rows : g.columns, length = along_rows ? g.columns : g.rows;
  if (length == 0) return;
  const std::int64_t from_line = along_rows ? g.from_row : g.from_column;
  const std::int64_t from_step = along_rows ? g.from_column : g.from_row;
  const std::int64_t to_line = along_rows ? g.to_row : g.to_column;
  const std::int64_t to_step = along_rows ? g.to_column : g.to_row;
  const std::int64_t tiles = ceil_div(length, kTile), least = length / tiles, longer = length % tiles;
  const auto tap_row = [&](std::int64_t i) { return phase.taps[i * phase.tap_columns].row; };
  for (std::int64_t line = 0; line < lines; ++line, from += from_line, to += to_line) {
    for (std::int64_t tile = 0, at = 0; tile < tiles; ++tile) {
      const std::int64_t size = least + (tile < longer ? 1 : 0);
      const std::int64_t first = (along_rows ? line : at) * g.step;
      const std::int64_t last = along_rows ? first : first + (size - 1) * g.step;
      std::int64_t low = 0, high = phase.tap_rows;
      while (low < high && tap_row(low) + last < filled.begin) ++low;
      while (low < high && tap_row(high - 1) + first >= filled.end) --high;
      add_tile_of<T>.of[size - 1](from + at * from_step, from_step, to + at * to_step, to_step, weights,
                                  phase.taps + low * phase.tap_columns,
                                  phase.taps + high * phase.tap_columns);
      at += size;
    }
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise

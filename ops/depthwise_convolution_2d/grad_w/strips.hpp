// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy), strip by strip.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/grad_w/sums.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Calls `visit(start, count)` for strips of `width` that cover [0, size). The last one starts earlier rather
/// than being narrower: what it shares with its neighbour is computed twice, alike.
template <class Visit>
void for_each_overlapping_strip(std::int64_t size, std::int64_t width, Visit visit) {
  if (size < width) return visit(std::int64_t{0}, size);
  for (std::int64_t start = 0; start + width <= size; start += width) visit(start, width);
  if (size % width != 0) visit(size - width, width);
}

/// How a plane is cut into strips one vector wide. Strips that overlap, as the other passes have them, keep
/// the reads near the image; a column that the strip before has done does not count.
template <class Layout, int K, int S>
class StripPlan {
  using V = typename Layout::Vector;
  using T = Element<V>;

 public:
  using Totals = GradWTotals<Layout, K>;

  explicit StripPlan(const Geometry& g) : g_(g) {
    std::int64_t done = 0;
    for_each_overlapping_strip(g.out_width, Layout::columns, [&](std::int64_t column, std::int64_t count) {
      const std::int64_t skip = done - column;
      const std::int64_t first = S * column - g.pad_x;
      const bool is_inner = skip == 0 && count == Layout::columns && first >= 0 &&
                            first + S * (Layout::columns - 1) + Layout::seen <= g.width;
      done = column + count;
      Run& run = is_inner ? runs_[0] : runs_[count_++];
      if (run.vectors++ > 0) return;
      run.column = column;
      for (int m = 0; m < Layout::groups; ++m)
        run.keep[m] = Layout::keep(m, first, g.width, skip, count, g.out_width - column);
    });
  }

  void add(const ImagePlanes<T>& planes, Totals& totals) const {
    for (const Run* run = runs_; run < runs_ + count_; ++run) {
      if (run->vectors > 0) add_rows(*run, planes, totals);
    }
  }

 private:
  /// Strips side by side; `keep` has the lanes that count.
  struct Run {
    std::int64_t column = 0, vectors = 0;
    V keep[Layout::groups];
  };

  /// Whether strips side by side go along the rows together. Those of double are quicker one by one; planes
  /// of shorter vectors than the longest have one or two.
  static constexpr bool along_rows = sizeof(T) == sizeof(float) && lanes_of<V> == lanes<T>;

  template <int first_row = 0>
  void add_rows(const Run& run, const ImagePlanes<T>& planes, Totals& totals) const {
    constexpr int rows = std::min(rows_at_once<Layout, K>, K - first_row);
    using Sums = TapSums<Layout, K, S, first_row, rows>;
    if (!Sums::is_high(g_)) {
      add_strips<Sums, true>(run, planes, totals);
    } else if (run.vectors == 1 || !along_rows) {
      add_strips<Sums, false>(run, planes, totals);
    } else if constexpr (along_rows) {
      add_strips_along_rows<Sums>(run, planes, totals);
    }
    if constexpr (first_row + rows < K) add_rows<first_row + rows>(run, planes, totals);
  }

  template <class Sums, bool is_low>
  void add_strips(const Run& run, const ImagePlanes<T>& planes, Totals& totals) const {
    Sums sums(g_);
    for (std::int64_t v = 0; v < run.vectors; ++v) {
      const T* x = first_x(run, planes) + v * S * Layout::columns;
      const T* gy = planes.gy + run.column + v * Layout::columns;
      for (std::int64_t n = 0; n < planes.images; ++n, x += planes.step_x, gy += planes.step_gy) {
        if constexpr (is_low) {
          sums.add_low_strip(x, gy);
        } else {
          sums.add_strip(x, gy);
        }
      }
    }
    sums.add_to(totals, run.keep);
  }

  template <class Sums>
  void add_strips_along_rows(const Run& run, const ImagePlanes<T>& planes, Totals& totals) const {
    Sums sums(g_);
    for (std::int64_t n = 0; n < planes.images; ++n) {
      sums.add_strips(first_x(run, planes) + n * planes.step_x, planes.gy + run.column + n * planes.step_gy,
                      run.vectors);
    }
    sums.add_to(totals, run.keep);
  }

  const T* first_x(const Run& run, const ImagePlanes<T>& planes) const {
    return planes.x + S * run.column - g_.pad_x;
  }

  const Geometry& g_;
  // First those that see the image alone, which read it as memory has it; then the others one by one. With
  // less padding than taps, 4 columns at most see something left of the image and as many something right of
  // it: with a strip that overlaps and two that begin further in, 7 strips of two columns or of one.
  Run runs_[8];
  int count_ = 1;
};

}  // namespace
}  // namespace fathom::ops::depthwise

// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <algorithm>

#include <fathom/core/simd/sum.hpp>
#include <fathom/ops/pooling_2d/kernel.hpp>
#include <fathom/ops/pooling_2d/largest.hpp>
#include <fathom/ops/pooling_2d/squares.hpp>
#include <fathom/ops/pooling_2d/windows.hpp>

namespace fathom::ops::pooling {
namespace {

template <class T>
void scatter(const Geometry& g, const std::int32_t* positions, const T* gy, bool accumulate, T* gx,
             std::int64_t begin, std::int64_t end) {
  for (std::int64_t plane = begin; plane < end; ++plane) {
    T* pixels = gx + plane * g.in_plane();
    if (!accumulate) std::fill(pixels, pixels + g.in_plane(), T(0));  // and still in the cache below
    for (std::int64_t o = plane * g.out_plane(); o < (plane + 1) * g.out_plane(); ++o) {
      if (positions[o] != kNowhere) pixels[positions[o]] += gy[o];
    }
  }
}

template <class T>
void gather(const Geometry& g, const std::int32_t* positions, const T* x, T* y, std::int64_t begin,
            std::int64_t end) {
  for (std::int64_t plane = begin; plane < end; ++plane) {
    const T* pixels = x + plane * g.in_plane();
    for (std::int64_t o = plane * g.out_plane(); o < (plane + 1) * g.out_plane(); ++o) {
      y[o] = positions[o] == kNowhere ? T(0) : pixels[positions[o]];
    }
  }
}

/// Averages of the windows that lie inside the image, few pixels each: added up in T.
template <int S, class T>
void average_of_lines(const Lines& r, const T* pixels, T share, bool accumulate, T* y) {
  std::int64_t at = r.at, room = r.room;
  for (std::int64_t line = 0; line < r.count; ++line, at += r.down, room -= r.out_width, y += r.out_width) {
    for_each_vector<T>(r.windows, [&](auto vectors, std::int64_t j, std::int64_t count) {
      using V = decltype(vectors);
      const T* first = pixels + at + r.stride * j;
      typename V::Pixels sum{};
      for (std::int64_t row = 0; row < r.rows; ++row, first += r.width) {
        std::int64_t x = 0;
        if constexpr (S == 2) {
          for (; x + 1 < r.columns; x += 2) {
            sum += V::template load<2, 0>(first + x, 2, count) + V::template load<2, 1>(first + x, 2, count);
          }
        }
        for (; x < r.columns; ++x) sum += V::template load<S>(first + x, r.stride, count);
      }
      sum *= share;
      if (accumulate) sum += V::template load<1>(y + j, 1, count);
      V::store(sum, y + j, count, accumulate ? 0 : room - j);
    });
  }
}

/// The average of the window of output pixel (row, column), added up in double.
template <class T>
T average_of_window(const Geometry& g, std::int64_t row, std::int64_t column, const T* pixels) {
  const std::int64_t top = row * g.stride_y - g.pad_y, left = column * g.stride_x - g.pad_x;
  double sum = 0;
  for (std::int64_t h = std::max<std::int64_t>(0, top); h < std::min(g.height, top + g.kernel_y); ++h) {
    for (std::int64_t w = std::max<std::int64_t>(0, left); w < std::min(g.width, left + g.kernel_x); ++w)
      sum += static_cast<double>(pixels[h * g.width + w]);
  }
  return static_cast<T>(sum / static_cast<double>(g.window()));
}

template <class T>
void average(const Geometry& g, const T* x, bool accumulate, T* y, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kFew = 64;
  if (g.are_squares() && !accumulate) {
    return with_squares<T>(g.out_width, [&](auto squares) { squares.average(g, x, y, begin, end); });
  }
  const PlaneWindows windows(g);
  const auto run = g.stride_x == 1   ? average_of_lines<1, T>
                   : g.stride_x == 2 ? average_of_lines<2, T>
                                     : average_of_lines<0, T>;
  const T share = static_cast<T>(1 / static_cast<double>(g.window()));
  for (std::int64_t plane = begin; plane < end; ++plane) {
    const T* pixels = x + plane * g.in_plane();
    T* const out = y + plane * g.out_plane();
    const auto one = [&](std::int64_t row, std::int64_t column) {
      const T value = average_of_window(g, row, column, pixels);
      T& to = out[row * g.out_width + column];
      to = accumulate ? to + value : value;
    };
    if (g.window() > kFew) {
      for (std::int64_t i = 0; i < g.out_plane(); ++i) one(i / g.out_width, i % g.out_width);
      continue;
    }
    windows.for_each_lines((end - plane) * g.out_plane(), [&](const Lines& lines, std::int64_t at, bool) {
      run(lines, pixels, share, accumulate, out + at);
    });
    windows.for_each_other(one);
  }
}

template <class T>
void spread(const Geometry& g, const T* gy, bool accumulate, T* gx, std::int64_t begin, std::int64_t end) {
  if (g.are_squares() && !accumulate) {
    with_squares<T>(g.out_width, [&](auto squares) { squares.spread(g, gy, gx, begin, end); });
    return clear_margins(g, gx, begin, end);
  }
  const T share = static_cast<T>(1 / static_cast<double>(g.window()));
  for (std::int64_t line = begin * g.out_height; line < end * g.out_height; ++line) {
    const std::int64_t row = line % g.out_height;
    T* pixels = gx + line / g.out_height * g.in_plane();
    if (row == 0 && !accumulate)
      std::fill(pixels, pixels + g.in_plane(), T(0));  // and still in the cache below
    const T* in = gy + line * g.out_width;
    for_each_tap(g, row, [&](std::int64_t at, std::int64_t first, std::int64_t last) {
      for (std::int64_t j = first; j < last; ++j, at += g.stride_x) pixels[at] += in[j] * share;
    });
  }
}

template <class T>
void plane_average(std::int64_t pixels, const T* x, T* y, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kBlock = 1024;  // summed up in T, the blocks in double
  for (std::int64_t plane = begin; plane < end; ++plane) {
    double total = 0;
    for (std::int64_t at = 0; at < pixels; at += kBlock) {
      const T* block = x + plane * pixels + at;
      simd::RowSum<T> sum;
      sum.add(std::min(kBlock, pixels - at),
              [block](std::int64_t i) { return simd::Batch<T>::load_unaligned(block + i); });
      total += sum.total();
    }
    y[plane] = static_cast<T>(total / static_cast<double>(pixels));
  }
}

template <class T>
void plane_spread(std::int64_t pixels, const T* gy, bool accumulate, T* gx, std::int64_t begin,
                  std::int64_t end) {
  const T share = static_cast<T>(1 / static_cast<double>(pixels));
  for (std::int64_t plane = begin; plane < end; ++plane) {
    const T value = gy[plane] * share;
    T* out = gx + plane * pixels;
    for (std::int64_t i = 0; i < pixels; ++i) out[i] = accumulate ? out[i] + value : value;
  }
}

template <class T>
constexpr Kernels<T> kernels_of{
    &largest<T>, &scatter<T>, &largest_of_squares<T>, &scatter_to_squares<T>, &gather<T>,
    &average<T>, &spread<T>,  &plane_average<T>,      &plane_spread<T>};
constexpr KernelTable table{kernels_of<float>, kernels_of<double>};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::pooling

// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <algorithm>
#include <limits>
#include <utility>

#include <fathom/core/simd/sum.hpp>
#include <fathom/ops/pooling_2d/kernel.hpp>

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

/// Lets pixels at, at + stride, ... of a plane compete for `count` windows side by side. Without branches,
/// since which pixel is largest cannot be predicted. The first NaN wins over everything.
template <std::int32_t kStride, class T>
void compete(const T* pixels, std::int32_t at, std::int32_t stride, std::int32_t count, T* best,
             std::int32_t* position) {
  const std::int32_t step = kStride > 0 ? kStride : stride;
  const T* source = pixels + at;
  for (std::int32_t j = 0; j < count; ++j) {
    const T value = source[j * step];
    const T before = best[j];
    const std::int32_t held = position[j];
    const bool wins =
        (value > before) | (held == kNowhere) | (__builtin_isnan(value) & !__builtin_isnan(before));
    best[j] = wins ? value : before;
    position[j] = wins ? at + j * step : held;
  }
}

/// Lane i is from[S * i + phase]; of what lies behind the lanes' elements at most a vector less one element
/// is read.
template <int S, int phase, class T>
[[gnu::always_inline]] inline Batch<T> load_strided(const T* from, std::int64_t count) {
  constexpr std::int64_t L = lanes<T>;
  const auto near = Batch<T>::load_unaligned(from);
  if constexpr (S == 1) {
    static_cast<void>(count);
    return near;
  } else {
    static_assert(S == 2);
    const auto far = S * (count - 1) + phase >= L ? Batch<T>::load_unaligned(from + L) : near;
    return [&]<int... i>(std::integer_sequence<int, i...>) {
      return Batch<T>(__builtin_shufflevector(near.data, far.data, (S * i + phase)...));
    }
    (std::make_integer_sequence<int, lanes<T>>{});
  }
}

/// The windows of K x K pixels, stride S apart, that lie inside the image side by side: the first begins at
/// `at` in the plane. As many windows as lanes compete at once, each holding its largest pixel so far and how
/// far behind the window's first pixel it lies, which is exact in T.
template <int K, int S, class T>
void largest_inside(const T* pixels, std::int64_t width, std::int64_t at, std::int64_t windows, T* y,
                    std::int32_t* positions) {
  for (std::int64_t j = 0; j < windows; j += lanes<T>) {
    const std::int64_t count = std::min<std::int64_t>(lanes<T>, windows - j);
    const T* first = pixels + at + S * j;
    Batch<T> best = load_strided<S, 0>(first, count);
    Batch<T> held(T(0));
    const auto compete_with = [&]<int tap>(std::integral_constant<int, tap>) {
      constexpr int row = tap / K, column = tap % K, phase = column % S;
      const Batch<T> value = load_strided<S, phase>(first + row * width + column - phase, count);
      const auto wins = !(value <= best) && best == best;  // the first NaN wins over everything
      best = xsimd::select(wins, value, best);
      held = xsimd::select(wins, Batch<T>(static_cast<T>(row * width + column)), held);
    };
    [&]<int... tap>(std::integer_sequence<int, tap...>) {
      (compete_with(std::integral_constant<int, tap + 1>{}), ...);
    }
    (std::make_integer_sequence<int, K * K - 1>{});
    simd::store_lanes<T>(y + j, best, count);
    alignas(Batch<T>) T behind[lanes<T>];
    held.store_aligned(behind);
    const auto start = static_cast<std::int32_t>(at + S * j);
    for (std::int32_t i = 0; i < count; ++i) {
      positions[j + i] = start + S * i + static_cast<std::int32_t>(behind[i]);
    }
  }
}

/// The windows [first, last) of output row `row`, whatever of them lies inside the image.
template <class T>
void largest_anywhere(const Geometry& g, std::int64_t row, const T* pixels, std::int64_t first,
                      std::int64_t last, T* y, std::int32_t* positions) {
  if (first == last) return;
  const auto run = g.stride_x == 1 ? compete<1, T> : g.stride_x == 2 ? compete<2, T> : compete<0, T>;
  std::fill(positions + first, positions + last, kNowhere);
  std::fill(y + first, y + last, -std::numeric_limits<T>::infinity());
  for_each_tap(g, row, [&](std::int64_t at, std::int64_t inside, std::int64_t outside) {
    const std::int64_t from = std::max(first, inside);
    const std::int64_t to = std::min(last, outside);
    if (from >= to) return;
    run(pixels, static_cast<std::int32_t>(at + (from - inside) * g.stride_x),
        static_cast<std::int32_t>(g.stride_x), static_cast<std::int32_t>(to - from), y + from,
        positions + from);
  });
}

/// The kernel for windows inside the image, null for those that have none.
template <class T>
auto inside_kernel(const Geometry& g) {
  using Kernel = decltype(&largest_inside<2, 2, T>);
  constexpr std::int64_t kExact = std::int64_t{1} << 24;  // whole numbers that a float holds
  if (g.kernel_y != g.kernel_x || g.stride_y != g.stride_x || 3 * g.width >= kExact) return Kernel{nullptr};
  if (g.kernel_x == 2 && g.stride_x == 2) return &largest_inside<2, 2, T>;
  if (g.kernel_x == 2 && g.stride_x == 1) return &largest_inside<2, 1, T>;
  if (g.kernel_x == 3 && g.stride_x == 2) return &largest_inside<3, 2, T>;
  if (g.kernel_x == 3 && g.stride_x == 1) return &largest_inside<3, 1, T>;
  return Kernel{nullptr};
}

template <class T>
void largest(const Geometry& g, const T* x, T* y, std::int32_t* positions, std::int64_t begin,
             std::int64_t end) {
  const auto inside = inside_kernel<T>(g);
  const std::int64_t first = std::min(g.out_width, (g.pad_x + g.stride_x - 1) / g.stride_x);
  const std::int64_t room = g.width + g.pad_x - g.kernel_x;
  const std::int64_t last = room < 0 ? first : std::max(first, std::min(g.out_width, room / g.stride_x + 1));
  for (std::int64_t line = begin * g.out_height; line < end * g.out_height; ++line) {
    const T* pixels = x + line / g.out_height * g.in_plane();
    const std::int64_t row = line % g.out_height;
    const std::int64_t top = row * g.stride_y - g.pad_y;
    T* out = y + line * g.out_width;
    std::int32_t* position = positions + line * g.out_width;
    if (inside == nullptr || top < 0 || top + g.kernel_y > g.height) {
      largest_anywhere(g, row, pixels, 0, g.out_width, out, position);
      continue;
    }
    largest_anywhere(g, row, pixels, 0, first, out, position);
    inside(pixels, g.width, top * g.width + first * g.stride_x - g.pad_x, last - first, out + first,
           position + first);
    largest_anywhere(g, row, pixels, last, g.out_width, out, position);
  }
}

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

/// sums[j] += the pixel of window j; compiled for the strides in use.
template <std::int64_t kStride, class T>
void add_pixels(const T* pixels, std::int64_t stride, std::int64_t count, double* sums) {
  const std::int64_t step = kStride > 0 ? kStride : stride;
  for (std::int64_t j = 0; j < count; ++j) sums[j] += static_cast<double>(pixels[j * step]);
}

template <class T>
void average(const Geometry& g, const T* x, bool accumulate, T* y, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kWindows = 128;  // sums that wait side by side
  const auto run = g.stride_x == 1 ? add_pixels<1, T> : g.stride_x == 2 ? add_pixels<2, T> : add_pixels<0, T>;
  const double size = static_cast<double>(g.window());
  for (std::int64_t line = begin * g.out_height; line < end * g.out_height; ++line) {
    const T* pixels = x + line / g.out_height * g.in_plane();
    for (std::int64_t start = 0; start < g.out_width; start += kWindows) {
      const std::int64_t count = std::min(kWindows, g.out_width - start);
      double sums[kWindows] = {};
      for_each_tap(g, line % g.out_height, [&](std::int64_t at, std::int64_t first, std::int64_t last) {
        const std::int64_t from = std::max(first, start);
        const std::int64_t to = std::min(last, start + count);
        if (from >= to) return;
        run(pixels + at + (from - first) * g.stride_x, g.stride_x, to - from, sums + (from - start));
      });
      T* out = y + line * g.out_width + start;
      for (std::int64_t j = 0; j < count; ++j) {
        const T value = static_cast<T>(sums[j] / size);
        out[j] = accumulate ? out[j] + value : value;
      }
    }
  }
}

template <class T>
void spread(const Geometry& g, const T* gy, bool accumulate, T* gx, std::int64_t begin, std::int64_t end) {
  const T share = static_cast<T>(1 / static_cast<double>(g.window()));
  if (!accumulate) std::fill(gx + begin * g.in_plane(), gx + end * g.in_plane(), T(0));
  for (std::int64_t line = begin * g.out_height; line < end * g.out_height; ++line) {
    T* pixels = gx + line / g.out_height * g.in_plane();
    const T* in = gy + line * g.out_width;
    for_each_tap(g, line % g.out_height, [&](std::int64_t at, std::int64_t first, std::int64_t last) {
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
constexpr Kernels<T> kernels_of{&largest<T>, &scatter<T>,       &gather<T>,      &average<T>,
                                &spread<T>,  &plane_average<T>, &plane_spread<T>};
constexpr KernelTable table{kernels_of<float>, kernels_of<double>};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::ops::pooling

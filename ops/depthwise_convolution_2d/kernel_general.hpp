// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: loops for every geometry, one pass over the output rows for each tap.
#pragma once

#include <algorithm>

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// y[i*step_y] += w * x[i*step_x].
template <class T>
void add_scaled(T* y, std::int64_t step_y, const T* x, std::int64_t step_x, T w, std::int64_t count) {
  std::int64_t i = 0;
  if (step_x == 1 && step_y == 1) {
    const Batch<T> weight(w);
    for (; i + lanes<T> <= count; i += lanes<T>) {
      multiply_add(weight, Batch<T>::load_unaligned(x + i), Batch<T>::load_unaligned(y + i))
          .store_unaligned(y + i);
    }
  }
  for (; i < count; ++i) y[i * step_y] += w * x[i * step_x];
}

/// The sum of x[i*step_x] * y[i].
template <class T>
T dot(const T* x, std::int64_t step_x, const T* y, std::int64_t count) {
  std::int64_t i = 0;
  T sum = 0;
  if (step_x == 1 && count >= lanes<T>) {
    Batch<T> sums(T(0));
    for (; i + lanes<T> <= count; i += lanes<T>) {
      sums = multiply_add(Batch<T>::load_unaligned(x + i), Batch<T>::load_unaligned(y + i), sums);
    }
    sum = xsimd::hadd(sums);
  }
  for (; i < count; ++i) sum += x[i * step_x] * y[i];
  return sum;
}

/// Calls `visit(x, y, count)` for each output row that tap (p, q) joins to a row of the image: elements x +
/// k*stride_x of the image plane belong to elements y + k of the output plane, k < count.
template <class Visit>
void for_each_row(const Geometry& g, std::int64_t p, std::int64_t q, Visit visit) {
  const std::int64_t shift = q * g.dilation_x - g.pad_x;
  if (shift >= g.width) return;
  const std::int64_t first = shift >= 0 ? 0 : (-shift + g.stride_x - 1) / g.stride_x;
  const std::int64_t last = std::min(g.out_width, (g.width - 1 - shift) / g.stride_x + 1);
  if (first >= last) return;
  for (std::int64_t i = 0; i < g.out_height; ++i) {
    const std::int64_t row = i * g.stride_y + p * g.dilation_y - g.pad_y;
    if (row < 0 || row >= g.height) continue;
    visit(row * g.width + first * g.stride_x + shift, i * g.out_width + first, last - first);
  }
}

template <class T>
void general_forward(const Geometry& g, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
                     std::int64_t end) {
  for (std::int64_t plane = begin; plane < end; ++plane) {
    const std::int64_t channel = plane % g.out_channels();
    const T* from = x + plane / g.multiplier * g.plane();
    const T* kernel = W + g.kernel_offset(channel);
    T* to = y + plane * g.out_plane();
    std::fill_n(to, g.out_plane(), b == nullptr ? T(0) : b[channel]);
    for (std::int64_t p = 0; p < g.kernel_y; ++p) {
      for (std::int64_t q = 0; q < g.kernel_x; ++q) {
        const T w = kernel[p * g.kernel_x + q];
        for_each_row(g, p, q, [&](std::int64_t ix, std::int64_t iy, std::int64_t count) {
          add_scaled(to + iy, 1, from + ix, g.stride_x, w, count);
        });
      }
    }
  }
}

template <class T>
void general_grad_x(const Geometry& g, const T* gy, const T* W, T* gx, std::int64_t begin, std::int64_t end) {
  for (std::int64_t plane = begin; plane < end; ++plane) {
    T* to = gx + plane * g.plane();
    std::fill_n(to, g.plane(), T(0));
    for (std::int64_t out_plane = plane * g.multiplier; out_plane < (plane + 1) * g.multiplier; ++out_plane) {
      const T* from = gy + out_plane * g.out_plane();
      const T* kernel = W + g.kernel_offset(out_plane % g.out_channels());
      for (std::int64_t p = 0; p < g.kernel_y; ++p) {
        for (std::int64_t q = 0; q < g.kernel_x; ++q) {
          const T w = kernel[p * g.kernel_x + q];
          for_each_row(g, p, q, [&](std::int64_t ix, std::int64_t iy, std::int64_t count) {
            add_scaled(to + ix, g.stride_x, from + iy, 1, w, count);
          });
        }
      }
    }
  }
}

template <class T>
void general_grad_w(const Geometry& g, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin,
                    std::int64_t end) {
  for (std::int64_t channel = begin; channel < end; ++channel) {
    T* to = gW + g.kernel_offset(channel);
    for (std::int64_t p = 0; p < g.kernel_y; ++p) {
      for (std::int64_t q = 0; q < g.kernel_x; ++q, ++to) {
        double total = accumulate ? static_cast<double>(*to) : 0.0;
        for (std::int64_t n = 0; n < g.images; ++n) {
          const std::int64_t plane = n * g.out_channels() + channel;
          const T* image = x + plane / g.multiplier * g.plane();
          const T* gradient = gy + plane * g.out_plane();
          for_each_row(g, p, q, [&](std::int64_t ix, std::int64_t iy, std::int64_t count) {
            total += static_cast<double>(dot(image + ix, g.stride_x, gradient + iy, count));
          });
        }
        *to = static_cast<T>(total);
      }
    }
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise

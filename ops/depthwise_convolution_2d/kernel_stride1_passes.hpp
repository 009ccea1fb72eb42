// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: forward and gradient of x with stride 1, by the kernel that fits the width.
#pragma once

#include <type_traits>

#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_2x2.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_4x4.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_flat.hpp>

namespace fathom::ops::depthwise {
namespace {

template <class T, int K>
void make_stride1(const Stride1& s, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
                  std::int64_t end) {
  const Planes<T> planes(s, x, W, b, y, begin);
  if constexpr (K == 3 && std::is_same_v<T, float>) {
    if (is_4x4(s)) return make_4x4(s, planes, end - begin);
  }
  if constexpr (K == 3 && sizeof(T) == sizeof(float)) {
    if (is_2x2<T>(s)) return make_2x2(s, x, W, b, y, begin, end);
  }
  if constexpr (K == 3) {
    if (FlatPlanes<T>::fits(s)) return FlatPlanes<T>(s).make(planes, end - begin);
  }
  make_planes<T, K>(s, planes, end - begin);
}

template <class T, int K>
void forward_stride1(const Geometry& g, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
                     std::int64_t end, std::byte* /*scratch*/) {
  make_stride1<T, K>(Stride1::forward(g), x, W, b, y, begin, end);
}

template <class T, int K>
void grad_x_stride1(const Geometry& g, const T* gy, const T* W, T* gx, std::int64_t begin, std::int64_t end,
                    std::byte* /*scratch*/) {
  make_stride1<T, K>(Stride1::grad_x(g), gy, W, nullptr, gx, begin, end);
}

}  // namespace
}  // namespace fathom::ops::depthwise

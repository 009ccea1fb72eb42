// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/cpu.hpp>
#include <fathom/ops/pooling_2d/geometry.hpp>

namespace fathom::ops::pooling {

/// Position of a window that lies outside the image altogether.
inline constexpr std::int32_t kNowhere = -1;

/// The loops of one instruction set for one element type, over the planes [begin, end).
template <class T>
struct Kernels {
  /// The largest pixel of each window, and where in its plane that lies: the first of equals; NaN wins.
  void (*largest)(const Geometry&, const T* x, T* y, std::int32_t* positions, std::int64_t begin,
                  std::int64_t end);
  /// gx: gy added up at the positions; on top of what is there when `accumulate`, here and below.
  void (*scatter)(const Geometry&, const std::int32_t* positions, const T* gy, bool accumulate, T* gx,
                  std::int64_t begin, std::int64_t end);
  /// As `largest` and `scatter` for geometries that `are_squares()`: the index of the pixel in its window,
  /// 2*ky + kx.
  void (*largest_of_squares)(const Geometry&, const T* x, T* y, std::uint8_t* indexes, std::int64_t begin,
                             std::int64_t end);
  void (*scatter_to_squares)(const Geometry&, const std::uint8_t* indexes, const T* gy, bool accumulate,
                             T* gx, std::int64_t begin, std::int64_t end);
  /// The pixels of x at the positions; 0 for a window outside.
  void (*gather)(const Geometry&, const std::int32_t* positions, const T* x, T* y, std::int64_t begin,
                 std::int64_t end);
  /// The sum of each window / (kH*kW), added up in T where it has few pixels, else in double.
  void (*average)(const Geometry&, const T* x, bool accumulate, T* y, std::int64_t begin, std::int64_t end);
  /// gx: each gy / (kH*kW) added to all pixels of its window.
  void (*spread)(const Geometry&, const T* gy, bool accumulate, T* gx, std::int64_t begin, std::int64_t end);
  /// The mean of each plane of `pixels` elements.
  void (*plane_average)(std::int64_t pixels, const T* x, T* y, std::int64_t begin, std::int64_t end);
  /// gx: each gy / pixels in its whole plane.
  void (*plane_spread)(std::int64_t pixels, const T* gy, bool accumulate, T* gx, std::int64_t begin,
                       std::int64_t end);
};

struct KernelTable {
  Kernels<float> float32;
  Kernels<double> float64;
};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const KernelTable& kernels();

}  // namespace fathom::ops::pooling

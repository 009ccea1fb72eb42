// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/cpu.hpp>
#include <fathom/ops/rules/lines.hpp>

namespace fathom::ops::softmax_family {

using detail::Lines;

/// Positions that a kernel works on together: neighbours, vectors running across them, where inner > 1; one,
/// vectors running along its line, where inner is 1.
inline constexpr std::int64_t kBlock = 64;

/// The passes over blocks [begin, end) of a block number outer * ceil(inner / kBlock). `largest` and
/// `log_sum` have a number for each position. All arithmetic is in double. Kernels write nothing but the
/// elements of their blocks; the bits of a line depend on its scores alone.
template <class T>
struct Kernels {
  /// The largest score of each line and log(sum(exp(x - largest))): apart, since a large score would swallow
  /// the logarithm.
  void (*normalizers)(const Lines&, const T* x, double* largest, double* log_sum, std::int64_t begin,
                      std::int64_t end);
  /// y = factor * softmax(x), a factor for each position, or 1 where `factors` is null. A line of factor 0
  /// becomes 0, whatever its scores.
  void (*softmax)(const Lines&, const T* x, const double* largest, const double* log_sum,
                  const double* factors, T* y, std::int64_t begin, std::int64_t end);
  void (*log_softmax)(const Lines&, const T* x, const double* largest, const double* log_sum, T* y,
                      std::int64_t begin, std::int64_t end);
  /// gx (+)= y * (gy - sum(y * gy))
  void (*softmax_gradient)(const Lines&, const T* y, const T* gy, bool accumulate, T* gx, std::int64_t begin,
                           std::int64_t end);
  /// gx (+)= gy - exp(y) * sum(gy)
  void (*log_softmax_gradient)(const Lines&, const T* y, const T* gy, bool accumulate, T* gx,
                               std::int64_t begin, std::int64_t end);
};

/// The kernels of one instruction set.
struct KernelTable {
  Kernels<float> f32;
  Kernels<double> f64;
  template <class T>
  [[nodiscard]] const Kernels<T>& get() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }
};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const KernelTable& kernels();

}  // namespace fathom::ops::softmax_family

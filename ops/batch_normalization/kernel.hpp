// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include <fathom/core/activation.hpp>
#include <fathom/core/cpu.hpp>

namespace fathom::ops::batch_norm {

/// Data seen as (outer, channels, inner): statistics run over outer and inner. Where channels lie innermost
/// (inner is 1), the kernels of "columns" take many of them at a time, else those of "rows" one.
struct Geometry {
  std::int64_t outer = 1;
  std::int64_t channels = 1;
  std::int64_t inner = 1;
  [[nodiscard]] std::int64_t averaged() const { return outer * inner; }  ///< elements of one channel
};

/// A part of the data: outer items [begin, end), channels [first, last).
struct Block {
  std::int64_t begin, end;
  std::int64_t first, last;
};

/// The loops that meet the activation. `y` is its result; where there is none, they do not read it.
template <class T>
struct ActivationKernels {
  /// sum(g) and sum(g * (x - center)) over a block of one channel, g being gy behind the activation; `center`
  /// holds all channels.
  void (*row_gradient_sums)(const Geometry&, const Block&, const T* x, const T* gy, const T* y,
                            const T* center, double* sum_g, double* sum_g_x);
  /// The same for a block of several channels.
  void (*column_gradient_sums)(const Geometry&, const Block&, const T* x, const T* gy, const T* y,
                               const T* center, double* sum_g, double* sum_g_x);
  /// y = activation((x - *center) * *scale + *shift + residual); the residual may be null.
  void (*normalize_row)(std::int64_t count, const T* x, const T* residual, const T* center, const T* scale,
                        const T* shift, T* y);
  /// The same with a value of its own for each element.
  void (*normalize_columns)(std::int64_t count, const T* x, const T* residual, const T* center,
                            const T* scale, const T* shift, T* y);
  /// gx = (g - *shift - (x - *center) * *slope) * *scale, or added to gx when `accumulate`.
  void (*gradient_row)(std::int64_t count, const T* x, const T* gy, const T* y, const T* center,
                       const T* scale, const T* slope, const T* shift, bool accumulate, T* gx);
  void (*gradient_columns)(std::int64_t count, const T* x, const T* gy, const T* y, const T* center,
                           const T* scale, const T* slope, const T* shift, bool accumulate, T* gx);
  /// g itself
  void (*through_activation)(std::int64_t count, const T* gy, const T* y, T* g);
};

/// The loops of one instruction set for one element type. Sums over a block go to one double for each of its
/// channels.
template <class T>
struct Kernels {
  /// Mean and sum of squared deviations of a block of one channel.
  void (*row_moments)(const Geometry&, const Block&, const T* x, double* mean, double* squares);
  /// The same for a block of several channels.
  void (*column_moments)(const Geometry&, const Block&, const T* x, double* mean, double* squares);
  ActivationKernels<T> of_activation[3];
  [[nodiscard]] const ActivationKernels<T>& of(Activation activation) const {
    return of_activation[static_cast<std::size_t>(activation)];
  }
};

struct KernelTable {
  Kernels<float> float32;
  Kernels<double> float64;
};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const KernelTable& kernels();

}  // namespace fathom::ops::batch_norm

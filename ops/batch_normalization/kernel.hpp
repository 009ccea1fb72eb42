// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include <fathom/core/activation.hpp>
#include <fathom/core/cpu.hpp>

namespace fathom::ops::batch_norm {

/// Data seen as (outer, channels, inner): statistics run over outer and inner. A run is what lies side by
/// side and has one form of coefficients: the inner elements of one channel or, where channels lie innermost
/// (inner is 1), all channels of one outer item, each with coefficients of its own.
struct Geometry {
  std::int64_t outer = 1;
  std::int64_t channels = 1;
  std::int64_t inner = 1;
  std::int64_t pitch = 0;   ///< elements from one outer item to the next; 0: what an item has
  std::int64_t repeat = 1;  ///< columns that are one channel to those who call the kernels
  [[nodiscard]] std::int64_t item() const { return pitch > 0 ? pitch : channels * inner; }
  [[nodiscard]] std::int64_t column() const { return outer * inner; }
  [[nodiscard]] std::int64_t averaged() const { return column() * repeat; }  ///< elements of one channel
  [[nodiscard]] bool has_columns() const { return inner == 1; }
  [[nodiscard]] std::int64_t runs() const { return has_columns() ? outer : outer * channels; }
  [[nodiscard]] std::int64_t run_length() const { return has_columns() ? channels : inner; }
};

/// Channels of a block at most.
inline constexpr std::int64_t kMostChannels = 64;

/// A part of the data: outer items [begin, end), channels [first, last), inner elements [from, to).
struct Block {
  std::int64_t begin, end;
  std::int64_t first, last;
  std::int64_t from, to;
};

/// Of each channel: normalized is (x - center) * scale + shift.
template <class T>
struct Normalization {
  const T* center;
  const T* scale;
  const T* shift;
};

/// What gradients start from: g, gy behind the activation. Whether that lets an element through says its
/// result y or, where y is null, the normalized x, which is computed again.
template <class T>
struct Upstream {
  const T* gy;
  const T* y;
  Normalization<T> normalization;
};

/// Of each channel: gx = (g - shift - (x - center) * slope) * scale.
template <class T>
struct InputGradient {
  const T* slope;
  const T* shift;
  const T* scale;
};

/// The loops that meet the activation.
template <class T>
struct ActivationKernels {
  /// y = activation(normalized x + residual) in the runs [begin, end); the residual may be null.
  void (*normalize)(const Geometry&, std::int64_t begin, std::int64_t end, const T* x, const T* residual,
                    const Normalization<T>&, T* y);
  /// sum(g) and sum(g * (x - center)) of each channel of a block. Writes g to `through` too, unless it is
  /// null. It may be gy itself.
  void (*gradient_sums)(const Geometry&, const Block&, const T* x, const Upstream<T>&, T* through,
                        double* sum_g, double* sum_g_x);
  /// gx in the runs [begin, end), added to what is there when `accumulate`. It may be gy itself.
  void (*input_gradient)(const Geometry&, std::int64_t begin, std::int64_t end, const T* x,
                         const Upstream<T>&, const InputGradient<T>&, bool accumulate, T* gx);
};

/// The loops of one instruction set for one element type.
template <class T>
struct Kernels {
  /// Mean and sum of squared deviations of each channel of a block. Asks for the same places of `soon`, y or,
  /// where nothing more is wanted, x, since memory has little to do meanwhile.
  void (*moments)(const Geometry&, const Block&, const T* x, const T* soon, double* means, double* squares);
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

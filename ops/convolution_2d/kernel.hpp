// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include <fathom/core/cpu.hpp>
#include <fathom/core/gemm/kernel.hpp>

namespace fathom::ops::detail {

/// The most map channels and taps (weights of a map channel) that a tile of gW's sums has.
inline constexpr std::int64_t kMostSumChannels = 4;
inline constexpr std::int64_t kMostSumTaps = 7;

/// The sums of a tile, one for each of its channels and, within these, taps: `kSumsInVector` of them share a
/// vector, of which sum i has every such lane from lane i % kSumsInVector on of vector i / kSumsInVector.
template <class T>
inline constexpr std::int64_t kSumsInVector = 16 / static_cast<std::int64_t>(sizeof(T));

/// Where a vector of the map's pixels lies in its plane, and in the copy what the first tap sees of the
/// image.
struct WeightStep {
  std::int64_t map, image;
};

/// Adds the products of some pixels of the map with what each tap sees of the image.
template <class T>
struct WeightSums {
  const WeightStep *steps, *steps_end;  ///< whole vectors
  const WeightStep *rests, *rests_end;  ///< vectors of which `rest` lanes count
  std::int64_t rest;
  const T* map;  ///< of the first channel
  std::int64_t map_channel_step;
  const T* image;
  const std::int64_t* offsets;  ///< of the taps, behind `image`
  T* sums;
  fathom::detail::GemmLines lines;  ///< to be asked for, one at each step
};

/// What first layers need beside the tiles of GEMM.
template <class T>
struct ConvolutionKernels {
  std::int64_t lanes;
  std::int64_t channels, taps, sums;  ///< of a full tile; `sums` counts elements
  /// add_products[c - 1][t - 1]: c channels, t taps.
  void (*add_products[kMostSumChannels][kMostSumTaps])(const WeightSums<T>& sums);
  /// even[i] = in[2 * i] and odd[i] = in[2 * i + 1] for i < count.
  void (*split_pairs)(const T* in, std::int64_t count, T* even, T* odd);
};

struct ConvolutionTable {
  ConvolutionKernels<float> float32;
  ConvolutionKernels<double> float64;
};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const ConvolutionTable& convolution_kernels();

template <class T>
[[nodiscard]] const ConvolutionKernels<T>& convolution_kernels(Isa isa) {
  const ConvolutionTable& table = fathom::detail::dispatch_isa(
      isa, []<Isa chosen>() -> const ConvolutionTable& { return convolution_kernels<chosen>(); });
  if constexpr (std::is_same_v<T, float>) {
    return table.float32;
  } else {
    return table.float64;
  }
}

}  // namespace fathom::ops::detail

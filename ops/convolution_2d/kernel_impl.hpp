// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <algorithm>
#include <cstdint>
#include <utility>

#include <fathom/core/simd/batch.hpp>
#include <fathom/core/simd/lanes.hpp>
#include <fathom/ops/convolution_2d/kernel.hpp>

namespace {

using fathom::ops::detail::ConvolutionKernels;
using fathom::ops::detail::kMostSumChannels;
using fathom::ops::detail::kMostSumTaps;
using fathom::ops::detail::WeightStep;
using fathom::ops::detail::WeightSums;
using fathom::simd::Batch;
using std::int64_t;

template <class T>
constexpr int64_t kLanes = fathom::simd::lanes<T>;

/// As many sums as the registers hold beside a vector of each channel and one of the image.
template <class T>
constexpr bool kManyRegisters = sizeof(T) * Batch<T>::size >= 64;
template <class T>
constexpr int kChannels = kManyRegisters<T> ? 4 : 3;
template <class T>
constexpr int kTaps = kManyRegisters<T> ? 6 : 4;

// The loops over a tile are unrolled by request: the compiler's own count would leave the sums in memory.
template <class T, int C, int P>
void add_products(const WeightSums<T>& t) {
  Batch<T> sum[C * P];
#pragma GCC unroll 24
  for (int i = 0; i < C * P; ++i)
    sum[i] = Batch<T>::load_aligned(t.sums + i / P * t.sums_step + i % P * kLanes<T>);
  const T* map[C];
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) map[c] = t.map + c * t.map_channel_step;
  const T* image[P];
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) image[p] = t.image + t.offsets[p];

  const auto add = [&](const WeightStep& step, const auto& load) __attribute__((always_inline)) {
    Batch<T> left[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) left[c] = load(map[c] + step.map);
#pragma GCC unroll 6
    for (int p = 0; p < P; ++p) {
      const Batch<T> right = load(image[p] + step.image);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[c * P + p] = fathom::simd::multiply_add(left[c], right, sum[c * P + p]);
    }
  };
  const auto whole = [](const T* from) { return Batch<T>::load_unaligned(from); };
  // Both sides: what lies behind a row may be infinite.
  const auto part = [&](const T* from) { return fathom::simd::load_lanes(from, t.rest); };
  // One loop for all rows: one that ended after the few vectors of a row would be mispredicted each time.
  const char* line = t.lines.first;
  int64_t lines = t.lines.count;
  const auto run = [&](const WeightStep* step, const WeightStep* end, const auto& load)
      __attribute__((always_inline)) {
    const WeightStep* const asking = step + std::min<int64_t>(lines, end - step);
    lines -= asking - step;
    for (; step != asking; ++step, line += t.lines.step) {
      __builtin_prefetch(line);
      add(*step, load);
    }
    for (; step != end; ++step) add(*step, load);
  };
  run(t.steps, t.steps_end, whole);
  run(t.rests, t.rests_end, part);
#pragma GCC unroll 24
  for (int i = 0; i < C * P; ++i) sum[i].store_aligned(t.sums + i / P * t.sums_step + i % P * kLanes<T>);
}

/// Elements `first`, `first` + 2, ... of a and b, one behind the other.
template <class Vector, int first, int... i>
[[gnu::always_inline]] inline Vector every_second(const Vector& a, const Vector& b,
                                                  std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (2 * i + first)...);
}

template <class T>
void split_pairs(const T* in, int64_t count, T* even, T* odd) {
  using Vector [[gnu::vector_size(sizeof(T) * kLanes<T>)]] = T;
  constexpr auto kLane = std::make_integer_sequence<int, static_cast<int>(kLanes<T>)>{};
  if (count < kLanes<T>) {
    for (int64_t i = 0; i < count; ++i) {
      even[i] = in[2 * i];
      odd[i] = in[2 * i + 1];
    }
    return;
  }
  // The last vectors overlap those before them.
  for (int64_t from = 0; from < count; from += kLanes<T>) {
    const int64_t i = from + kLanes<T> <= count ? from : count - kLanes<T>;
    Vector a;
    Vector b;
    __builtin_memcpy(&a, in + 2 * i, sizeof a);
    __builtin_memcpy(&b, in + 2 * i + kLanes<T>, sizeof b);
    const Vector low = every_second<Vector, 0>(a, b, kLane);
    const Vector high = every_second<Vector, 1>(a, b, kLane);
    __builtin_memcpy(even + i, &low, sizeof low);
    __builtin_memcpy(odd + i, &high, sizeof high);
  }
}

/// Fills the table for up to C channels and P taps.
template <class T, int C, int P>
constexpr void fill(ConvolutionKernels<T>& kernels) {
  kernels.add_products[C - 1][P - 1] = &add_products<T, C, P>;
  if constexpr (P > 1) {
    fill<T, C, P - 1>(kernels);
  } else if constexpr (C > 1) {
    fill<T, C - 1, kTaps<T>>(kernels);
  }
}

template <class T>
constexpr ConvolutionKernels<T> make_kernels() {
  static_assert(kChannels<T> <= kMostSumChannels && kTaps<T> <= kMostSumTaps);
  ConvolutionKernels<T> kernels{};
  kernels.lanes = kLanes<T>;
  kernels.channels = kChannels<T>;
  kernels.taps = kTaps<T>;
  fill<T, kChannels<T>, kTaps<T>>(kernels);
  kernels.split_pairs = &split_pairs<T>;
  return kernels;
}

constexpr fathom::ops::detail::ConvolutionTable kTable{make_kernels<float>(), make_kernels<double>()};

}  // namespace

namespace fathom::ops::detail {

template <>
const ConvolutionTable& convolution_kernels<Isa::FATHOM_ISA>() {
  return kTable;
}

}  // namespace fathom::ops::detail

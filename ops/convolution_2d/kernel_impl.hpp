// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <algorithm>
#include <cstdint>

#include <fathom/core/simd/batch.hpp>
#include <fathom/core/simd/lanes.hpp>
#include <fathom/core/simd/shuffle.hpp>
#include <fathom/ops/convolution_2d/kernel.hpp>

namespace {

using fathom::ops::detail::ConvolutionKernels;
using fathom::ops::detail::kMostSumChannels;
using fathom::ops::detail::kMostSumTaps;
using fathom::ops::detail::kSumsInVector;
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
constexpr int kTaps = kManyRegisters<T> ? 7 : 4;

/// What a step does where all its lanes count, and where the first ones do: those behind them, which may be
/// infinite, add nothing.
template <class T>
struct AllLanes {
  [[gnu::always_inline]] Batch<T> load(const T* from) const { return Batch<T>::load_unaligned(from); }
  [[gnu::always_inline]] Batch<T> add(Batch<T> a, Batch<T> b, Batch<T> sum) const {
    return fathom::simd::multiply_add(a, b, sum);
  }
};
template <class T>
struct FirstLanes {
  int64_t count;
#if defined(__AVX512F__)
  [[gnu::always_inline]] Batch<T> add(Batch<T> a, Batch<T> b, Batch<T> sum) const {
    const auto mask = fathom::simd::first_lanes<kLanes<T>>(count);
    if constexpr (sizeof(T) == 4) {
      return _mm512_mask3_fmadd_ps(a, b, sum, mask);
    } else {
      return _mm512_mask3_fmadd_pd(a, b, sum, mask);
    }
  }
#else
  Batch<T> mask = fathom::simd::lane_mask<T>(0, count);
  [[gnu::always_inline]] Batch<T> add(Batch<T> a, Batch<T> b, Batch<T> sum) const {
    return fathom::simd::multiply_add(a, b & mask, sum);
  }
#endif
  [[gnu::always_inline]] Batch<T> load(const T* from) const { return fathom::simd::load_lanes(from, count); }
};

// The loops over a tile are unrolled by request: the compiler's own count would leave the sums in memory.
template <class T, int C, int P>
void add_products(const WeightSums<T>& t) {
  Batch<T> sum[C * P];
#pragma GCC unroll 28
  for (int i = 0; i < C * P; ++i) sum[i] = Batch<T>(T(0));
  const T* map[C];
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) map[c] = t.map + c * t.map_channel_step;
  const T* image[P];
#pragma GCC unroll 7
  for (int p = 0; p < P; ++p) image[p] = t.image + t.offsets[p];

  const auto add = [&](const WeightStep& step, const auto& lanes) __attribute__((always_inline)) {
    Batch<T> left[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) left[c] = lanes.load(map[c] + step.map);
#pragma GCC unroll 7
    for (int p = 0; p < P; ++p) {
      const Batch<T> right = Batch<T>::load_unaligned(image[p] + step.image);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[c * P + p] = lanes.add(left[c], right, sum[c * P + p]);
    }
  };
  // One loop for all rows: one that ended after the few vectors of a row would be mispredicted each time.
  const char* line = t.lines.first;
  const char* const last_line = line + std::max<int64_t>(0, t.lines.count - 1) * t.lines.step;
  const auto run = [&](const WeightStep* step, const WeightStep* end, const auto& lanes)
      __attribute__((always_inline)) {
    for (; step != end; ++step) {
      __builtin_prefetch(line);
      line += line == last_line ? 0 : t.lines.step;
      add(*step, lanes);
    }
  };
  run(t.steps, t.steps_end, AllLanes<T>{});
  run(t.rests, t.rests_end, FirstLanes<T>{t.rest});
  // All sums of all tiles have to stay in the first-level cache beside the image, so not as whole vectors.
  constexpr int kTogether = static_cast<int>(kSumsInVector<T>);
  T* to = t.sums;
#pragma GCC unroll 14
  for (int i = 0; i < C * P; i += kTogether, to += kLanes<T>) {
    const Batch<T> more = fathom::simd::add_in_16_bytes(sum + i, C * P - i);
    (Batch<T>::load_aligned(to) + more).store_aligned(to);
  }
}

template <class T>
void split_pairs(const T* in, int64_t count, T* even, T* odd) {
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
    const Batch<T> a = Batch<T>::load_unaligned(in + 2 * i);
    const Batch<T> b = Batch<T>::load_unaligned(in + 2 * i + kLanes<T>);
    fathom::simd::shuffle(a, b, [](int lane) { return 2 * lane; }).store_unaligned(even + i);
    fathom::simd::shuffle(a, b, [](int lane) { return 2 * lane + 1; }).store_unaligned(odd + i);
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
  kernels.sums = (kernels.channels * kernels.taps + kSumsInVector<T> - 1) / kSumsInVector<T> * kLanes<T>;
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

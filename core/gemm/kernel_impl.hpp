// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <cstdint>

#include <fathom/core/gemm/kernel.hpp>
#include <fathom/core/simd/activation.hpp>
#include <fathom/core/simd/batch.hpp>

namespace {

using fathom::detail::GemmKernels;
using fathom::detail::GemmRun;
using fathom::detail::kGemmMaxRows;
using std::int64_t;

using fathom::simd::Batch;

template <class T>
constexpr int64_t kLanes = fathom::simd::lanes<T>;

/// As many accumulators as the registers hold: 2 x 6 of 16, or 2 x 12 of the 32 that 64-byte vectors come
/// with.
template <class T>
constexpr int64_t kRows = sizeof(T) * Batch<T>::size >= 64 ? 12 : 6;

// The loops over a tile are unrolled by request: the compiler's own count would leave the sums in memory.
template <class T, int R, int V>
void tile(int64_t depth, const T* a, int64_t row_step, int64_t step, const T* b, const T* from,
          int64_t from_step, T* to, int64_t to_step, fathom::Activation activation) {
  Batch<T> sum[R * V];
#pragma GCC unroll 24
  for (int i = 0; i < R * V; ++i) sum[i] = Batch<T>(T(0));
  for (int64_t p = 0; p < depth; ++p, a += step, b += 2 * kLanes<T>) {
    Batch<T> right[V];
    for (int v = 0; v < V; ++v) right[v] = Batch<T>::load_unaligned(b + v * kLanes<T>);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const Batch<T> left(a[r * row_step]);
      for (int v = 0; v < V; ++v) sum[r * V + v] = fathom::simd::multiply_add(left, right[v], sum[r * V + v]);
    }
  }
  if (from != nullptr) {
#pragma GCC unroll 24
    for (int i = 0; i < R * V; ++i) {
      sum[i] += Batch<T>::load_unaligned(from + i / V * from_step + i % V * kLanes<T>);
    }
  }
  if (activation != fathom::Activation::none) {
#pragma GCC unroll 24
    for (int i = 0; i < R * V; ++i) sum[i] = fathom::simd::activate(activation, sum[i]);
  }
#pragma GCC unroll 24
  for (int i = 0; i < R * V; ++i) sum[i].store_unaligned(to + i / V * to_step + i % V * kLanes<T>);
}

template <class T>
void pack_runs(const T* source, const int64_t* row_offsets, int64_t rows, const GemmRun* runs,
               int64_t run_count, T* target, int64_t step) {
  if (run_count == 1 && runs->target == 0 && runs->length > kLanes<T> && runs->length <= 2 * kLanes<T>) {
    for (int64_t r = 0; r < rows; ++r, target += step) {
      const T* in = source + row_offsets[r] + runs->source;
      Batch<T>::load_unaligned(in).store_unaligned(target);
      Batch<T>::load_unaligned(in + kLanes<T>).store_unaligned(target + kLanes<T>);
    }
    return;
  }
  for (int64_t r = 0; r < rows; ++r, target += step) {
    const T* row = source + row_offsets[r];
    for (const GemmRun* run = runs; run != runs + run_count; ++run) {
      const T* in = row + run->source;
      T* out = target + run->target;
      for (int64_t i = 0; i < run->length; i += kLanes<T>) {
        Batch<T>::load_unaligned(in + i).store_unaligned(out + i);
      }
    }
  }
}

/// 16 bytes: the zip of xsimd 8.1 stays within that many of a longer vector.
template <class T>
struct Small {
  static constexpr int64_t kSize = 16 / static_cast<int64_t>(sizeof(T));
  using Vector [[gnu::vector_size(16)]] = T;

  static Vector load(const T* from) {
    Vector result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
  }
  static void store(Vector value, T* to) { __builtin_memcpy(to, &value, sizeof value); }

  /// The first halves of a and b, interleaved.
  static Vector zip_low(Vector a, Vector b) {
    if constexpr (kSize == 4) return __builtin_shufflevector(a, b, 0, 4, 1, 5);
    if constexpr (kSize == 2) return __builtin_shufflevector(a, b, 0, 2);
  }
  static Vector zip_high(Vector a, Vector b) {
    if constexpr (kSize == 4) return __builtin_shufflevector(a, b, 2, 6, 3, 7);
    if constexpr (kSize == 2) return __builtin_shufflevector(a, b, 1, 3);
  }

  /// The square of kSize rows from `rows` on, transposed into rows of the target `step` apart.
  static void transpose(const T* const* rows, int64_t offset, T* target, int64_t step) {
    Vector square[kSize];
    for (int64_t i = 0; i < kSize; ++i) square[i] = load(rows[i] + offset);
    for (int64_t round = 1; round < kSize; round *= 2) {
      Vector next[kSize];
      for (int64_t i = 0; i < kSize / 2; ++i) {
        next[2 * i] = zip_low(square[i], square[i + kSize / 2]);
        next[2 * i + 1] = zip_high(square[i], square[i + kSize / 2]);
      }
      for (int64_t i = 0; i < kSize; ++i) square[i] = next[i];
    }
    for (int64_t i = 0; i < kSize; ++i) store(square[i], target + i * step);
  }
};

template <class T>
void pack_transposed(const T* source, int64_t source_step, int64_t columns, int64_t depth, T* target,
                     int64_t width) {
  constexpr int64_t kSize = Small<T>::kSize;
  const int64_t even = depth - depth % kSize;
  for (int64_t j = 0; j < columns; j += kSize) {
    // Behind the last column its values are packed again: what lies further on may not be readable.
    const T* rows[kSize];
    for (int64_t i = 0; i < kSize; ++i)
      rows[i] = source + (j + i < columns ? j + i : columns - 1) * source_step;
    for (int64_t p = 0; p < even; p += kSize) Small<T>::transpose(rows, p, target + p * width + j, width);
    for (int64_t p = even; p < depth; ++p) {
      for (int64_t i = 0; i < kSize; ++i) target[p * width + j + i] = rows[i][p];
    }
  }
}

/// Fills tiles[R - 1] and all smaller ones.
template <class T, int R>
constexpr void fill_tiles(GemmKernels<T>& kernels) {
  kernels.tiles[R - 1][0] = &tile<T, R, 1>;
  kernels.tiles[R - 1][1] = &tile<T, R, 2>;
  if constexpr (R > 1) fill_tiles<T, R - 1>(kernels);
}

template <class T>
constexpr GemmKernels<T> make_kernels() {
  static_assert(kRows<T> <= kGemmMaxRows && 2 * kLanes<T> <= fathom::detail::kGemmPackSlack);
  GemmKernels<T> kernels{};
  kernels.rows = kRows<T>;
  kernels.lanes = kLanes<T>;
  fill_tiles<T, static_cast<int>(kRows<T>)>(kernels);
  kernels.pack_runs = &pack_runs<T>;
  kernels.pack_transposed = &pack_transposed<T>;
  return kernels;
}

constexpr fathom::detail::GemmTable kTable{make_kernels<float>(), make_kernels<double>()};

}  // namespace

namespace fathom::detail {

template <>
const GemmTable& gemm_table<Isa::FATHOM_ISA>() {
  return kTable;
}

}  // namespace fathom::detail

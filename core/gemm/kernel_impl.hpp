// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <cstdint>
#include <utility>

#include <fathom/core/gemm/kernel.hpp>
#include <fathom/core/simd/activation.hpp>
#include <fathom/core/simd/batch.hpp>
#include <fathom/core/simd/lanes.hpp>

namespace {

using fathom::detail::GemmKernels;
using fathom::detail::GemmLines;
using fathom::detail::GemmPanel;
using fathom::detail::GemmRun;
using fathom::detail::GemmTile;
using fathom::detail::GemmTileRow;
using fathom::detail::kGemmDepth;
using fathom::detail::kGemmMaxRows;
using fathom::detail::kGemmRowStep;
using std::int64_t;

using fathom::simd::Batch;

template <class T>
constexpr int64_t kLanes = fathom::simd::lanes<T>;

/// As many accumulators as the registers hold: 2 x 6 of 16, or 2 x 12 of the 32 that 64-byte vectors come
/// with.
template <class T>
constexpr int64_t kRows = sizeof(T) * Batch<T>::size >= 64 ? 12 : 6;

/// Adds `from`, applies the activation and writes.
template <class T, int R, int V>
[[gnu::always_inline]] inline void finish(const GemmTile<T>& t, Batch<T>* sum) {
  const int64_t last = t.columns - (V - 1) * kLanes<T>;  // lanes of the last vector
  const int64_t vector = kLanes<T> + t.gap;
  if (t.from != nullptr) {
#pragma GCC unroll 24
    for (int i = 0; i < R * V; ++i) {
      const T* from = t.from + i / V * t.from_step + i % V * kLanes<T>;
      sum[i] += i % V < V - 1 || last == kLanes<T> ? Batch<T>::load_unaligned(from)
                                                   : fathom::simd::load_lanes(from, last);
    }
  }
  if (t.activation != fathom::Activation::none) {
#pragma GCC unroll 24
    for (int i = 0; i < R * V; ++i) sum[i] = fathom::simd::activate(t.activation, sum[i]);
  }
  if (last == kLanes<T>) {
#pragma GCC unroll 24
    for (int i = 0; i < R * V; ++i) sum[i].store_unaligned(t.to + i / V * t.to_step + i % V * vector);
    return;
  }
#pragma GCC unroll 24
  for (int i = 0; i < R * V; ++i) {
    T* to = t.to + i / V * t.to_step + i % V * vector;
    if (i % V < V - 1) {
      sum[i].store_unaligned(to);
    } else {
      fathom::simd::store_lanes(to, sum[i], last);
    }
  }
}

// The loops over a tile are unrolled by request: the compiler's own count would leave the sums in memory.
template <class T, int R, int V, bool in_place>
void tile(const GemmTile<T>& t) {
  Batch<T> sum[R * V];
#pragma GCC unroll 24
  for (int i = 0; i < R * V; ++i) sum[i] = Batch<T>(T(0));
  const T* a = t.a;
  const T* b = t.b;
  const int64_t* offset = t.b_offsets;
  const auto depth = [&]() __attribute__((always_inline)) {
    if constexpr (in_place) b = t.b + *offset++;
    Batch<T> right[V];
    for (int v = 0; v < V; ++v) right[v] = Batch<T>::load_unaligned(b + v * kLanes<T>);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const Batch<T> left(a[r * kGemmRowStep]);
      for (int v = 0; v < V; ++v) sum[r * V + v] = fathom::simd::multiply_add(left, right[v], sum[r * V + v]);
    }
    if constexpr (!in_place) b += 2 * kLanes<T>;
  };
  const T* const end = a + t.depth;
  for (const GemmLines* lines = t.lines; lines != t.lines + t.line_rows; ++lines) {
    const char* line = lines->first;
    const T* const last = lines->count < end - a ? a + lines->count : end;
    for (; a != last; ++a, line += lines->step) {
      __builtin_prefetch(line);
      depth();
    }
  }
  for (; a != end; ++a) depth();
  if (t.row_bias != nullptr) {
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const Batch<T> bias(t.row_bias[r]);
      for (int v = 0; v < V; ++v) sum[r * V + v] += bias;
    }
  }
  finish<T, R, V>(t, sum);
}

template <class T, int R>
void tile_row(const GemmTileRow<T>& t) {
  const int64_t depth = t.depth, line_count = t.line_count;
  const T* const bias = t.row_bias;
  const T* const* soon = t.soon;
  const char* const* line = t.lines;
  for (const GemmPanel<T>* panel = t.panels; panel != t.panels_end; ++panel) {
    const int64_t step = panel->to_step;
    const int64_t second = kLanes<T> + panel->gap, right_second = kLanes<T> + panel->right_gap;
    if (const T* next = *soon++; next != nullptr) {
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r, next += step) {
        __builtin_prefetch(next);
        __builtin_prefetch(next + second + kLanes<T> - 1);
      }
    }
    for (const char* const* const end = line + line_count; line != end; ++line) __builtin_prefetch(*line);
    Batch<T> sum[2 * R];
#pragma GCC unroll 24
    for (int i = 0; i < 2 * R; ++i) sum[i] = Batch<T>(T(0));
    const T* a = t.a;
    for (const int64_t *offset = t.b_offsets, *end = offset + depth; offset != end; ++offset, ++a) {
      const T* const b = panel->right + *offset;
      const Batch<T> right[2] = {Batch<T>::load_unaligned(b), Batch<T>::load_unaligned(b + right_second)};
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const Batch<T> left(a[r * kGemmRowStep]);
        for (int v = 0; v < 2; ++v)
          sum[2 * r + v] = fathom::simd::multiply_add(left, right[v], sum[2 * r + v]);
      }
    }
    if (bias != nullptr) {
#pragma GCC unroll 24
      for (int i = 0; i < 2 * R; ++i) sum[i] += Batch<T>(bias[i / 2]);
    }
    if (t.activation != fathom::Activation::none) {
#pragma GCC unroll 24
      for (int i = 0; i < 2 * R; ++i) sum[i] = fathom::simd::activate(t.activation, sum[i]);
    }
    T* const to = panel->to + t.row * step;
#pragma GCC unroll 24
    for (int i = 0; i < 2 * R; ++i) sum[i].store_unaligned(to + i / 2 * step + i % 2 * second);
  }
}

/// One element. Out of line: in its caller's loops there would be a copy of them for each case.
template <class T>
[[gnu::noinline]] void finish(const GemmTile<T>& t, int64_t r, int64_t c, T value) {
  if (t.row_bias != nullptr) value += t.row_bias[r];
  if (t.from != nullptr) value += t.from[r * t.from_step + c];
  if (t.activation != fathom::Activation::none)
    value = fathom::simd::activate(t.activation, Batch<T>(value)).get(0);
  t.to[r * t.to_step + c] = value;
}

template <class T>
void few_columns(const GemmTile<T>& t, int64_t rows) {
  constexpr int kTogether = 6;  // rows; both sides have as many as tiles have, or half as many
  const int64_t whole = t.depth - t.depth % kLanes<T>, rest = t.depth - whole;
  for (int64_t c = 0; c < t.columns; ++c) {
    const T* const b = t.b + c * kGemmDepth;
    for (int64_t first = 0; first < rows; first += kTogether) {
      const T* a[kTogether];
      Batch<T> sum[kTogether];
#pragma GCC unroll 6
      for (int i = 0; i < kTogether; ++i) {
        // Those behind the last row repeat it.
        a[i] = t.a + (first + i < rows ? first + i : rows - 1) * kGemmRowStep;
        sum[i] = Batch<T>(T(0));
      }
      for (int64_t p = 0; p < whole; p += kLanes<T>) {
        const Batch<T> right = Batch<T>::load_unaligned(b + p);
#pragma GCC unroll 6
        for (int i = 0; i < kTogether; ++i)
          sum[i] = fathom::simd::multiply_add(Batch<T>::load_unaligned(a[i] + p), right, sum[i]);
      }
      if (rest > 0) {
        // What lies behind the last depth is in the scratch, and may be anything.
        const Batch<T> keep = fathom::simd::lane_mask<T>(0, rest);
        const Batch<T> right = Batch<T>::load_unaligned(b + whole) & keep;
#pragma GCC unroll 6
        for (int i = 0; i < kTogether; ++i)
          sum[i] = fathom::simd::multiply_add(Batch<T>::load_unaligned(a[i] + whole) & keep, right, sum[i]);
      }
      T totals[kTogether];
#pragma GCC unroll 6
      for (int i = 0; i < kTogether; ++i) totals[i] = xsimd::hadd(sum[i]);
      const int64_t last = first + kTogether < rows ? first + kTogether : rows;
      for (int64_t r = first; r < last; ++r) finish(t, r, c, totals[r - first]);
    }
  }
}

template <class T>
void pack_runs(const T* source, const int64_t* row_offsets, int64_t rows, const GemmRun* runs,
               int64_t run_count, T* target, int64_t step) {
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

/// Squares of kSize x kSize elements, transposed in registers of half the set's vectors.
template <class T>
struct Square {
  static constexpr int kBytes = sizeof(T) * Batch<T>::size >= 32 ? 32 : 16;
  static constexpr int kSize = kBytes / static_cast<int>(sizeof(T));
  using Vector [[gnu::vector_size(kBytes)]] = T;

  static Vector load(const T* from) {
    Vector result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
  }
  static void store(const Vector& value, T* to) { __builtin_memcpy(to, &value, sizeof value); }

  /// Of a and b, numbered on, the elements whose bit `distance` is not set, or is: blocks of `distance`
  /// elements of a, then b, in turns.
  template <int distance, bool upper, int... i>
  static Vector exchange(const Vector& a, const Vector& b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(
        a, b, ((i & distance) != 0 ? kSize + (i ^ distance) : i) + (upper ? distance : 0)...);
  }

  /// Swaps the blocks of `distance` elements beside the diagonal of all squares twice as large.
  template <int distance>
  static void swap_blocks(Vector* rows) {
    constexpr auto kLane = std::make_integer_sequence<int, kSize>{};
#pragma GCC unroll 8
    for (int i = 0; i < kSize; ++i) {
      if ((i & distance) != 0) continue;
      const Vector a = rows[i];
      const Vector b = rows[i + distance];
      rows[i] = exchange<distance, false>(a, b, kLane);
      rows[i + distance] = exchange<distance, true>(a, b, kLane);
    }
    if constexpr (2 * distance < kSize) swap_blocks<2 * distance>(rows);
  }

  static void transpose(const T* const* rows, int64_t offset, T* target, int64_t step) {
    Vector square[kSize];
#pragma GCC unroll 8
    for (int i = 0; i < kSize; ++i) square[i] = load(rows[i] + offset);
    swap_blocks<1>(square);
#pragma GCC unroll 8
    for (int i = 0; i < kSize; ++i) store(square[i], target + i * step);
  }
};

template <class T>
void pack_transposed(const T* source, const int64_t* row_offsets, int64_t columns, int64_t depth, T* target,
                     int64_t width) {
  constexpr int64_t kSize = Square<T>::kSize;
  // No lane of a panel's vectors is left as it was; rows that are as short as the columns have none to spare.
  const int64_t vectors = (columns + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
  const int64_t filled = vectors <= width ? vectors : (columns + kSize - 1) / kSize * kSize;
  // From the last columns to the first, which overwrite what the last ones wrote beyond `width`.
  for (int64_t j = filled - kSize; j >= 0; j -= kSize) {
    // Behind the last column its values are packed again: what lies further on may not be readable.
    const T* rows[kSize];
    for (int64_t i = 0; i < kSize; ++i) rows[i] = source + row_offsets[j + i < columns ? j + i : columns - 1];
    for (int64_t p = 0; depth >= kSize && p < depth; p += kSize) {
      // The last square overlaps the one before.
      const int64_t first = p + kSize <= depth ? p : depth - kSize;
      Square<T>::transpose(rows, first, target + first * width + j, width);
    }
    for (int64_t p = 0; depth < kSize && p < depth; ++p) {
      for (int64_t i = 0; i < kSize; ++i) target[p * width + j + i] = rows[i][p];
    }
  }
}

/// Fills tiles[R - 1] and all smaller ones.
template <class T, int R>
constexpr void fill_tiles(GemmKernels<T>& kernels) {
  kernels.tiles[R - 1][0] = &tile<T, R, 1, false>;
  kernels.tiles[R - 1][1] = &tile<T, R, 2, false>;
  kernels.tiles_in_place[R - 1][0] = &tile<T, R, 1, true>;
  kernels.tiles_in_place[R - 1][1] = &tile<T, R, 2, true>;
  // Not for vectors of 16 bytes, whose tiles take longer.
  if constexpr (2 * R >= kRows<T> && sizeof(T) * kLanes<T> >= 32) kernels.tile_rows[R - 1] = &tile_row<T, R>;
  if constexpr (R > 1) fill_tiles<T, R - 1>(kernels);
}

template <class T>
constexpr GemmKernels<T> make_kernels() {
  static_assert(kRows<T> <= kGemmMaxRows && 2 * kLanes<T> <= fathom::detail::kGemmPackSlack);
  GemmKernels<T> kernels{};
  kernels.rows = kRows<T>;
  kernels.lanes = kLanes<T>;
  fill_tiles<T, static_cast<int>(kRows<T>)>(kernels);
  kernels.few_columns = &few_columns<T>;
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

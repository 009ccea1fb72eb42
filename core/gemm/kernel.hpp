// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/activation.hpp>
#include <fathom/core/cpu.hpp>

namespace fathom::detail {

/// Rows of products that are summed before they meet the partial sums in memory.
inline constexpr std::int64_t kGemmDepth = 256;
/// The most rows a tile of any instruction set has.
inline constexpr std::int64_t kGemmMaxRows = 12;
/// The most elements a packing kernel writes past the end of what it packs.
inline constexpr std::int64_t kGemmPackSlack = 64;

/// Contiguous elements: `length` of them, from offset `source` to offset `target`.
struct GemmRun {
  std::int64_t source;
  std::int64_t target;
  std::int64_t length;
};

/// to = activation(sum over p < depth of a(., p) b(p, .), plus `from` where it is not null). a(r, p) is a[r *
/// row_step + p * step]; b is a packed panel. `from` and `to` have tile rows `from_step` and `to_step` apart.
template <class T>
using GemmTile = void (*)(std::int64_t depth, const T* a, std::int64_t row_step, std::int64_t step,
                          const T* b, const T* from, std::int64_t from_step, T* to, std::int64_t to_step,
                          Activation activation);

/// What one instruction set offers for one element type.
template <class T>
struct GemmKernels {
  std::int64_t rows;   ///< of a full tile
  std::int64_t lanes;  ///< elements of a vector; a panel of B is two vectors wide
  /// tiles[r - 1][v - 1]: tiles of r rows and v vectors.
  GemmTile<T> tiles[kGemmMaxRows][2];

  /// Row r of the target, `step` apart, gets the runs of source + row_offsets[r]. Rows and runs ascend: whole
  /// vectors are moved, so that up to kGemmPackSlack elements after the end are read and overwritten.
  void (*pack_runs)(const T* source, const std::int64_t* row_offsets, std::int64_t rows, const GemmRun* runs,
                    std::int64_t run_count, T* target, std::int64_t step);
  /// target[p * width + j] = source[j * source_step + p] for p < depth and j < columns, the columns of one
  /// panel. What lies between `columns` and `width` is overwritten.
  void (*pack_transposed)(const T* source, std::int64_t source_step, std::int64_t columns, std::int64_t depth,
                          T* target, std::int64_t width);

  [[nodiscard]] std::int64_t columns() const { return 2 * lanes; }  ///< of a full tile
};

struct GemmTable {
  GemmKernels<float> float32;
  GemmKernels<double> float64;
};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const GemmTable& gemm_table();

}  // namespace fathom::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/activation.hpp>
#include <fathom/core/cpu.hpp>

namespace fathom::detail {

/// The most products that are summed before they meet the partial sums in memory.
inline constexpr std::int64_t kGemmDepth = 256;
/// Columns of the right operand that are packed at once.
inline constexpr std::int64_t kGemmColumns = 256;
/// The most panels of a block.
inline constexpr std::int64_t kGemmMostPanels = 512;
/// The most rows a tile of any instruction set has.
inline constexpr std::int64_t kGemmMaxRows = 12;
/// The most elements a packing kernel writes past the end of what it packs.
inline constexpr std::int64_t kGemmPackSlack = 64;
/// Distance of the rows of a packed strip: constant, so that addresses are immediate, and no multiple of the
/// cache's sets, so that the rows do not evict each other.
inline constexpr std::int64_t kGemmRowStep = kGemmDepth + 16;

/// Contiguous elements: `length` of them, from offset `source` to offset `target`.
struct GemmRun {
  std::int64_t source;
  std::int64_t target;
  std::int64_t length;
};

/// Lines of the cache that will be needed soon.
struct GemmLines {
  const char* first = nullptr;
  std::int64_t step = 0;  ///< bytes from one to the next
  std::int64_t count = 0;

  /// Field by field: a copy of the whole would be one load of several stores, which has to wait until they,
  /// and the results stored before them, have left for the cache.
  void set(const char* new_first, std::int64_t new_step, std::int64_t new_count) {
    first = new_first;
    step = new_step;
    count = new_count;
  }
};

/// One tile of the result: to = activation(sum over p < depth of a(., p) b(p, .) + row_bias + from).
template <class T>
struct GemmTile {
  std::int64_t depth;
  const T* a;  ///< a packed strip: rows kGemmRowStep apart
  const T* b;  ///< a packed panel: depths two vectors apart; or, in place, the columns of the panel
  const std::int64_t* b_offsets;  ///< in place: where each depth lies behind `b`
  const T* from;                  ///< partial sums or a bias for each column; null: none
  const T* row_bias;              ///< a value for each row; null: none
  T* to;
  std::int64_t from_step, to_step;  ///< from one row to the next
  std::int64_t gap;                 ///< in `to`, between the columns of the two vectors
  std::int64_t columns;             ///< written; of `from` only these need to be readable
  Activation activation;
  const GemmLines* lines;  ///< to be asked for, one at each depth
  std::int64_t line_rows;  ///< of `lines`
};

/// The most columns, left over at the end of a block, that are products of a row by a column each: a tile
/// would leave most lanes of its vectors empty.
inline constexpr std::int64_t kGemmFewColumns = 4;

/// Columns of a block that one tile covers.
template <class T>
struct GemmPanel {
  std::int64_t first, columns;  ///< within the block
  const T* right;
  T* to;                 ///< row 0 of the result; null where a vector's columns do not lie side by side there
  std::int64_t to_step;  ///< from one row to the next
  std::int64_t gap;      ///< in `to`, between the columns of the two vectors
  bool is_few;           ///< kGemmFewColumns at most, which lie kGemmDepth apart in `right`
  std::int64_t right_gap = 0;  ///< in `right`, as `gap`; for tile rows alone
};

/// Full tiles of the same rows, one for each panel: to = activation(sum over p < depth of a(., p) b(p, .) +
/// row_bias). The two vectors of a panel may overlap. For products of few depths: a call of its own costs a
/// tile about as much as a dozen of them.
template <class T>
struct GemmTileRow {
  const GemmPanel<T>*panels, *panels_end;
  std::int64_t row;  ///< of the result, the tiles' first one
  std::int64_t depth;
  const T* a;                     ///< as in GemmTile
  const std::int64_t* b_offsets;  ///< where each depth lies behind a panel's `right`
  const T* row_bias;              ///< a value for each row; null: none
  Activation activation;
  const T* const* soon;      ///< for each tile: where the first row of one will be written, or null
  const char* const* lines;  ///< `line_count` for each tile, to be asked for
  std::int64_t line_count;
};

/// What one instruction set offers for one element type.
template <class T>
struct GemmKernels {
  std::int64_t rows;   ///< of a full tile
  std::int64_t lanes;  ///< elements of a vector; a panel of B is two vectors wide
  /// tiles[r - 1][v - 1]: tiles of r rows and v vectors.
  void (*tiles[kGemmMaxRows][2])(const GemmTile<T>& tile);
  void (*tiles_in_place[kGemmMaxRows][2])(const GemmTile<T>& tile);
  /// tile_rows[r - 1]: of r rows; null below half of a full tile's, and where tiles are slow.
  void (*tile_rows[kGemmMaxRows])(const GemmTileRow<T>& tiles);
  /// A tile of `rows` rows and few columns, which lie kGemmDepth apart in `b`. Asks for no lines.
  void (*few_columns)(const GemmTile<T>& tile, std::int64_t rows);

  /// Row r of the target, `step` apart, gets the runs of source + row_offsets[r]. Rows and runs ascend: whole
  /// vectors are moved, so that up to kGemmPackSlack elements after the end are read and overwritten.
  void (*pack_runs)(const T* source, const std::int64_t* row_offsets, std::int64_t rows, const GemmRun* runs,
                    std::int64_t run_count, T* target, std::int64_t step);
  /// target[p * width + j] = source[row_offsets[j] + p] for p < depth and j < columns; columns are at most
  /// `width`, and what lies between them, or up to kGemmPackSlack elements after the end, is overwritten.
  void (*pack_transposed)(const T* source, const std::int64_t* row_offsets, std::int64_t columns,
                          std::int64_t depth, T* target, std::int64_t width);

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

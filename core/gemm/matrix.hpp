// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>

#include <fathom/core/gemm/driver.hpp>

namespace fathom::detail {

/// Offsets of rows that are packed together.
struct GemmOffsets {
  std::array<std::int64_t, kGemmDepth> of;
  [[nodiscard]] const std::int64_t* data() const { return of.data(); }
};

/// The runs of a block of columns, each within one panel; at most one for each column.
class GemmRuns {
 public:
  /// Columns [column, column + length) of the block lie side by side from offset `source` on.
  void add(std::int64_t source, std::int64_t column, std::int64_t length, std::int64_t width,
           std::int64_t panel_step) {
    while (length > 0) {
      const std::int64_t at = column % width;
      const std::int64_t piece = std::min(length, width - at);
      runs_[static_cast<std::size_t>(count_++)] = {source, column / width * panel_step + at, piece};
      source += piece;
      column += piece;
      length -= piece;
    }
  }
  [[nodiscard]] const GemmRun* data() const { return runs_.data(); }
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  std::array<GemmRun, kGemmColumns> runs_;
  std::int64_t count_ = 0;
};

/// A matrix for each group: stored element (r, c) of group g is data[offsets[g] + r * step + c].
template <class T>
struct GemmMatrix {
  T* data = nullptr;
  std::int64_t step = 0;
  const std::int64_t* offsets = nullptr;  ///< of the groups; null: all zero

  /// Offsets of rows [first, first + count).
  [[nodiscard]] GemmOffsets rows(std::int64_t first, std::int64_t count) const {
    GemmOffsets result;
    for (std::int64_t r = 0; r < count; ++r) result.of[static_cast<std::size_t>(r)] = (first + r) * step;
    return result;
  }
  /// Elements [begin, begin + length) of rows [first, first + count).
  void announce(std::int64_t g, std::int64_t first, std::int64_t count, std::int64_t begin,
                std::int64_t length, GemmPieces& pieces) const {
    for (std::int64_t r = first; r < first + count; ++r) pieces.add(group(g) + r * step + begin, length);
  }
  [[nodiscard]] T* group(std::int64_t g) const { return offsets == nullptr ? data : data + offsets[g]; }
};

/// Stored (m, k), or (k, m) when transposed.
template <class T>
class MatrixLeft final : public GemmLeft<T> {
 public:
  MatrixLeft(GemmMatrix<const T> matrix, bool transposed) : matrix_(matrix), transposed_(transposed) {}

  void pack(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t i, std::int64_t rows,
            std::int64_t p, std::int64_t depth, T* strip) const override {
    const T* data = matrix_.group(group);
    if (transposed_) {
      const GemmOffsets offsets = matrix_.rows(p, depth);
      kernels.pack_transposed(data + i, offsets.data(), depth, rows, strip, kGemmRowStep);
    } else {
      const GemmRun run{p, 0, depth};
      kernels.pack_runs(data, matrix_.rows(i, rows).data(), rows, &run, 1, strip, kGemmRowStep);
    }
  }
  void announce(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t p, std::int64_t depth,
                GemmPieces& pieces) const override {
    // Strips of a transposed matrix share lines: most have been read.
    if (!transposed_) matrix_.announce(group, i, rows, p, depth, pieces);
  }

 private:
  GemmMatrix<const T> matrix_;
  bool transposed_;
};

/// Stored (k, n), or (n, k) when transposed.
template <class T>
class MatrixRight final : public GemmRight<T> {
 public:
  MatrixRight(GemmMatrix<const T> matrix, bool transposed) : matrix_(matrix), transposed_(transposed) {}

  void pack(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t p, std::int64_t depth,
            std::int64_t j, std::int64_t columns, T* panels, std::int64_t panel_step) const override {
    const T* data = matrix_.group(group);
    const std::int64_t width = kernels.columns();
    if (transposed_) {
      for (std::int64_t c = 0; c < columns; c += width, panels += panel_step) {
        const std::int64_t count = std::min(width, columns - c);
        kernels.pack_transposed(data + p, matrix_.rows(j + c, count).data(), count, depth, panels, width);
      }
    } else {
      GemmRuns runs;
      runs.add(j, 0, columns, width, panel_step);
      kernels.pack_runs(data, matrix_.rows(p, depth).data(), depth, runs.data(), runs.count(), panels, width);
    }
  }
  void announce(std::int64_t group, std::int64_t p, std::int64_t depth, std::int64_t j, std::int64_t columns,
                GemmPieces& pieces) const override {
    transposed_ ? matrix_.announce(group, j, columns, p, depth, pieces)
                : matrix_.announce(group, p, depth, j, columns, pieces);
  }

 private:
  GemmMatrix<const T> matrix_;
  bool transposed_;
};

/// Stored (m, n), or (n, m) when transposed. The bias is added along the stored rows: one value for each
/// stored column.
template <class T>
class MatrixResult final : public GemmResult<T> {
 public:
  MatrixResult(GemmMatrix<T> matrix, bool transposed, bool accumulate, GemmEpilogue<T> epilogue = {})
      : GemmResult<T>(accumulate, epilogue.activation),
        matrix_(matrix),
        transposed_(transposed),
        bias_(epilogue.bias) {}

  [[nodiscard]] const T* row_bias(std::int64_t) const override { return transposed_ ? bias_ : nullptr; }
  [[nodiscard]] const T* column_bias() const override { return transposed_ ? nullptr : bias_; }

  [[nodiscard]] GemmRows<T> direct(std::int64_t group, std::int64_t j, std::int64_t) const override {
    if (transposed_) return {};
    return {matrix_.group(group) + j, matrix_.step};
  }

  void store(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t j, std::int64_t columns,
             GemmRows<const T> tile) const override {
    // Along the stored rows, whichever way the tile lies.
    const std::int64_t outer = transposed_ ? columns : rows;
    const std::int64_t inner = transposed_ ? rows : columns;
    const std::int64_t outer_step = transposed_ ? 1 : tile.step;
    const std::int64_t inner_step = transposed_ ? tile.step : 1;
    T* to = matrix_.group(group) + (transposed_ ? j * matrix_.step + i : i * matrix_.step + j);
    for (std::int64_t o = 0; o < outer; ++o, to += matrix_.step) {
      const T* from = tile.data + o * outer_step;
      for (std::int64_t q = 0; q < inner; ++q) {
        to[q] = this->accumulates() ? to[q] + from[q * inner_step] : from[q * inner_step];
      }
    }
  }

 private:
  GemmMatrix<T> matrix_;
  bool transposed_;
  const T* bias_;
};

/// activation(op(A) * op(B) + bias) for each group; see `gemm`. Where one of two operands has to be
/// transposed while it is packed, it is the smaller one.
template <class T>
void matrix_product(const GemmSize& size, GemmMatrix<const T> a, bool transpose_a, GemmMatrix<const T> b,
                    bool transpose_b, GemmMatrix<T> c, bool accumulate, GemmEpilogue<T> epilogue = {});

extern template void matrix_product<float>(const GemmSize&, GemmMatrix<const float>, bool,
                                           GemmMatrix<const float>, bool, GemmMatrix<float>, bool,
                                           GemmEpilogue<float>);
extern template void matrix_product<double>(const GemmSize&, GemmMatrix<const double>, bool,
                                            GemmMatrix<const double>, bool, GemmMatrix<double>, bool,
                                            GemmEpilogue<double>);

}  // namespace fathom::detail

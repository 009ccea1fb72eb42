// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>

#include <fathom/core/gemm/driver.hpp>

namespace fathom::detail {

/// A matrix for each group: stored element (r, c) of group g is data[offsets[g] + r * step + c].
template <class T>
struct GemmMatrix {
  T* data = nullptr;
  std::int64_t step = 0;
  const std::int64_t* offsets = nullptr;  ///< of the groups; null: all zero

  [[nodiscard]] T* group(std::int64_t g) const { return offsets == nullptr ? data : data + offsets[g]; }
};

/// Stored (m, k), or (k, m) when transposed.
template <class T>
class MatrixLeft final : public GemmLeft<T> {
 public:
  MatrixLeft(GemmMatrix<const T> matrix, bool transposed) : matrix_(matrix), transposed_(transposed) {}

  [[nodiscard]] GemmPanel<T> panel(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t i,
                                   std::int64_t rows, std::int64_t p, std::int64_t depth,
                                   T* scratch) const override {
    const T* data = matrix_.group(group);
    if (!transposed_) return {data + i * matrix_.step + p, matrix_.step, 1};
    std::array<std::int64_t, kGemmDepth> offsets;
    for (std::int64_t q = 0; q < depth; ++q) offsets[static_cast<std::size_t>(q)] = (p + q) * matrix_.step;
    const GemmRun run{i, 0, rows};
    kernels.pack_runs(data, offsets.data(), depth, &run, 1, scratch, kernels.rows);
    return {scratch, 1, kernels.rows};
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
            std::int64_t j, std::int64_t columns, T* panel) const override {
    const T* data = matrix_.group(group);
    if (transposed_) {
      kernels.pack_transposed(data + j * matrix_.step + p, matrix_.step, columns, depth, panel,
                              kernels.columns());
      return;
    }
    std::array<std::int64_t, kGemmDepth> offsets;
    for (std::int64_t q = 0; q < depth; ++q) offsets[static_cast<std::size_t>(q)] = (p + q) * matrix_.step;
    const GemmRun run{j, 0, columns};
    kernels.pack_runs(data, offsets.data(), depth, &run, 1, panel, kernels.columns());
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
      : matrix_(matrix), transposed_(transposed), accumulate_(accumulate), epilogue_(epilogue) {}

  [[nodiscard]] GemmRows<const T> start(const GemmKernels<T>& kernels, std::int64_t, std::int64_t i,
                                        std::int64_t rows, std::int64_t j, T* scratch) const override {
    if (epilogue_.bias == nullptr) return {};
    if (!transposed_) return {epilogue_.bias + j, 0};
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < kernels.columns(); ++c)
        scratch[r * kernels.columns() + c] = epilogue_.bias[i + r];
    }
    return {scratch, kernels.columns()};
  }

  [[nodiscard]] GemmRows<T> direct(std::int64_t group, std::int64_t i, std::int64_t j,
                                   std::int64_t) const override {
    if (transposed_) return {};
    return {matrix_.group(group) + i * matrix_.step + j, matrix_.step};
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
        to[q] = accumulate_ ? to[q] + from[q * inner_step] : from[q * inner_step];
      }
    }
  }

  [[nodiscard]] bool accumulates() const override { return accumulate_; }
  [[nodiscard]] Activation activation() const override { return epilogue_.activation; }

 private:
  GemmMatrix<T> matrix_;
  bool transposed_;
  bool accumulate_;
  GemmEpilogue<T> epilogue_;
};

/// activation(op(A) * op(B) + bias) for each group; see `gemm`. The operand that has to be packed is the one
/// that costs least.
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

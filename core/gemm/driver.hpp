// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <fathom/core/activation.hpp>
#include <fathom/core/dtype.hpp>
#include <fathom/core/gemm/kernel.hpp>

namespace fathom::detail {

/// Some rows of the left operand: element (r, p) is data[r * row_step + p * step].
template <class T>
struct GemmPanel {
  const T* data = nullptr;
  std::int64_t row_step = 0;
  std::int64_t step = 0;
};

/// A block of memory with rows `step` apart; none when `data` is null.
template <class T>
struct GemmRows {
  T* data = nullptr;
  std::int64_t step = 0;
};

/// Where the products' operands come from and where they go. A product is run for each of several groups;
/// rows i, columns j and depths p count within the group. Implementations are called from several threads at
/// once.
template <class T>
class GemmLeft {
 public:
  virtual ~GemmLeft() = default;
  /// Rows [i, i + rows), depths [p, p + depth): in place or packed into `scratch`, which has room for
  /// rows * (depth + kGemmPackSlack) elements.
  [[nodiscard]] virtual GemmPanel<T> panel(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t i,
                                           std::int64_t rows, std::int64_t p, std::int64_t depth,
                                           T* scratch) const = 0;
};

template <class T>
class GemmRight {
 public:
  virtual ~GemmRight() = default;
  /// Packs depths [p, p + depth) of columns [j, j + columns): row by row, kernels.columns() elements each.
  /// What lies behind the last column does not matter.
  virtual void pack(const GemmKernels<T>& kernels, std::int64_t group, std::int64_t p, std::int64_t depth,
                    std::int64_t j, std::int64_t columns, T* panel) const = 0;
};

/// What becomes of sums before they are written: a bias is added, then the activation applied.
template <class T>
struct GemmEpilogue {
  const T* bias = nullptr;
  Activation activation = Activation::none;
};

template <class T>
class GemmResult {
 public:
  virtual ~GemmResult() = default;
  /// What the tile's sums are added to, a bias for example; may be written to `scratch` (a full tile).
  [[nodiscard]] virtual GemmRows<const T> start(const GemmKernels<T>&, std::int64_t /*group*/,
                                                std::int64_t /*i*/, std::int64_t /*rows*/, std::int64_t /*j*/,
                                                T* /*scratch*/) const {
    return {};
  }
  /// The result's own memory when the tile's rows lie there contiguously, else null: `store` is called then.
  [[nodiscard]] virtual GemmRows<T> direct(std::int64_t group, std::int64_t i, std::int64_t j,
                                           std::int64_t columns) const = 0;
  virtual void store(std::int64_t group, std::int64_t i, std::int64_t rows, std::int64_t j,
                     std::int64_t columns, GemmRows<const T> tile) const = 0;
  /// Whether tiles are added to what is there.
  [[nodiscard]] virtual bool accumulates() const = 0;
  /// Applied to finished sums on their way to memory; not together with `accumulates`.
  [[nodiscard]] virtual Activation activation() const { return Activation::none; }
};

struct GemmSize {
  std::int64_t groups = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
};

/// Runs the products: result (m, n) = left (m, k) * right (k, n). Counted as kernel `name`, a string literal.
/// Each element's sum runs over k in one fixed order, so the bits do not depend on the number of threads.
template <class T>
void run_gemm(std::string_view name, const GemmSize& size, const GemmLeft<T>& left, const GemmRight<T>& right,
              const GemmResult<T>& result);

extern template void run_gemm<float>(std::string_view, const GemmSize&, const GemmLeft<float>&,
                                     const GemmRight<float>&, const GemmResult<float>&);
extern template void run_gemm<double>(std::string_view, const GemmSize&, const GemmLeft<double>&,
                                      const GemmRight<double>&, const GemmResult<double>&);

}  // namespace fathom::detail

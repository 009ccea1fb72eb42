// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/activation.hpp>

namespace fathom::detail {

/// The most rows of `a` for which `row_products` is faster than tiles, which would be mostly empty.
inline constexpr std::int64_t kFewRows = 4;

/// c = activation(a b^T + bias, plus c if `accumulates`): products of rows that both run along k.
template <class T>
struct RowProducts {
  std::int64_t m = 0;  ///< rows of a and c, at most kFewRows
  std::int64_t n = 0;  ///< rows of b, columns of c
  std::int64_t k = 0;
  const T* a = nullptr;
  std::int64_t a_step = 0;  ///< from one row to the next, like the other two
  const T* b = nullptr;
  std::int64_t b_step = 0;
  T* c = nullptr;
  std::int64_t c_step = 0;
  const T* bias = nullptr;  ///< for each column of c, or null
  Activation activation = Activation::none;
  bool accumulates = false;
};

/// Reads b once, row by row: a product with few rows takes as long as memory needs for b. Counted as kernel
/// "gemm/rows".
template <class T>
void row_products(const RowProducts<T>& products);

extern template void row_products<float>(const RowProducts<float>&);
extern template void row_products<double>(const RowProducts<double>&);

}  // namespace fathom::detail

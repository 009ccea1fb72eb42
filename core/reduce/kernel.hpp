// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include <fathom/core/cpu.hpp>
#include <fathom/core/reduce/fold.hpp>

namespace fathom::detail {

/// The totals of `count` elements in a row. Their order depends on the count alone, so that sums have the
/// same bits in every instruction set.
template <class T>
struct RowFolds {
  double (*sum)(const T* x, std::int64_t count);
  T (*max)(const T* x, std::int64_t count);
  T (*min)(const T* x, std::int64_t count);

  template <class Fold>
  [[nodiscard]] auto get() const {
    if constexpr (std::is_same_v<Fold, SumFold>) {
      return sum;
    } else if constexpr (std::is_same_v<Fold, MaxFold>) {
      return max;
    } else {
      return min;
    }
  }
};

struct RowFoldTable {
  RowFolds<float> float32;
  RowFolds<double> float64;
};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const RowFoldTable& row_fold_kernels();

/// Those of the active instruction set.
template <class T>
[[nodiscard]] const RowFolds<T>& row_folds() {
  const RowFoldTable& table =
      dispatch_isa(active_isa(), []<Isa isa>() -> const RowFoldTable& { return row_fold_kernels<isa>(); });
  if constexpr (std::is_same_v<T, float>) {
    return table.float32;
  } else {
    return table.float64;
  }
}

}  // namespace fathom::detail

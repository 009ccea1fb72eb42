// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <cstdint>

#include <fathom/core/reduce/kernel.hpp>

namespace {

/// Eight elements side by side, whatever the registers' size.
template <class T>
using Eight [[gnu::vector_size(8 * sizeof(T))]] = T;

/// Adds eight elements to eight totals.
template <class Fold, class T, class Total>
[[gnu::always_inline]] inline void add_eight(Eight<Total>& totals, const T* x) {
  Eight<T> values;
  __builtin_memcpy(&values, x, sizeof values);
  Fold::add(totals, __builtin_convertvector(values, Eight<Total>));
}

/// Eight totals for each of four chains, which do not wait for each other.
template <class Fold, class T>
auto fold_row(const T* x, std::int64_t count) {
  using Total = typename Fold::template Total<T>;
  constexpr int kChains = 4;
  Eight<Total> chains[kChains];
  for (auto& chain : chains) chain = Eight<Total>{} + Fold::template start<T>;
  std::int64_t i = 0;
  for (; i + 8 * kChains <= count; i += 8 * kChains) {
    for (int k = 0; k < kChains; ++k) add_eight<Fold, T, Total>(chains[k], x + i + 8 * k);
  }
  for (; i + 8 <= count; i += 8) add_eight<Fold, T, Total>(chains[0], x + i);
  Total rest = Fold::template start<T>;
  for (; i < count; ++i) Fold::add(rest, static_cast<Total>(x[i]));
  Fold::add(chains[0], chains[1]);
  Fold::add(chains[2], chains[3]);
  Fold::add(chains[0], chains[2]);
  Total totals[8];
  __builtin_memcpy(totals, &chains[0], sizeof totals);
  for (int half = 4; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) Fold::add(totals[lane], totals[lane + half]);
  }
  Fold::add(totals[0], rest);
  return totals[0];
}

template <class T>
constexpr fathom::detail::RowFolds<T> row_folds{&fold_row<fathom::detail::SumFold, T>,
                                                &fold_row<fathom::detail::MaxFold, T>,
                                                &fold_row<fathom::detail::MinFold, T>};
constexpr fathom::detail::RowFoldTable table{row_folds<float>, row_folds<double>};

}  // namespace

namespace fathom::detail {

template <>
const RowFoldTable& row_fold_kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::detail

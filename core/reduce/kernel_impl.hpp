// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <cstdint>

#include <fathom/core/reduce/kernel.hpp>

namespace {

/// Loops that the compiler makes vectors of: the partial totals do not wait for each other.
template <class Fold, class T>
auto fold_row(const T* x, std::int64_t count) {
  using Total = typename Fold::template Total<T>;
  constexpr int kPartials = 32;
  if (count < kPartials) {
    Total total = Fold::template start<T>;
    for (std::int64_t i = 0; i < count; ++i) total = Fold::add(total, static_cast<Total>(x[i]));
    return total;
  }
  Total partial[kPartials];
  for (Total& total : partial) total = Fold::template start<T>;
  std::int64_t i = 0;
  for (; i + kPartials <= count; i += kPartials) {
    for (int lane = 0; lane < kPartials; ++lane) {
      partial[lane] = Fold::add(partial[lane], static_cast<Total>(x[i + lane]));
    }
  }
  for (int lane = 0; i + lane < count; ++lane) {
    partial[lane] = Fold::add(partial[lane], static_cast<Total>(x[i + lane]));
  }
  for (int half = kPartials / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) partial[lane] = Fold::add(partial[lane], partial[lane + half]);
  }
  return partial[0];
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

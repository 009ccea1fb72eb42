// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <algorithm>
#include <cstdint>
#include <utility>

#include <fathom/core/reduce/kernel.hpp>
#include <fathom/core/simd/batch.hpp>

namespace {

/// Eight totals side by side, in vectors no longer than registers: compilers take longer ones apart by way of
/// memory.
template <class Total>
struct Eight {
  static constexpr int kLanes = std::min(8, fathom::simd::lanes<Total>);
  static constexpr int kParts = 8 / kLanes;
  using V [[gnu::vector_size(kLanes * sizeof(Total))]] = Total;
  V parts[kParts];

  template <class Fold, class T>
  [[gnu::always_inline]] void add_elements(const T* x) {
    using Elements [[gnu::vector_size(kLanes * sizeof(T))]] = T;
    for (int k = 0; k < kParts; ++k) {
      Elements values;
      __builtin_memcpy(&values, x + k * kLanes, sizeof values);
      Fold::add(parts[k], __builtin_convertvector(values, V));
    }
  }
  template <class Fold>
  [[gnu::always_inline]] void add(const Eight& other) {
    for (int k = 0; k < kParts; ++k) Fold::add(parts[k], other.parts[k]);
  }
  /// Each half added to the other until one total is left.
  template <class Fold>
  [[gnu::always_inline]] Total total() {
    for (int half = kParts / 2; half > 0; half /= 2) {
      for (int k = 0; k < half; ++k) Fold::add(parts[k], parts[k + half]);
    }
    [&]<int... bit>(std::integer_sequence<int, bit...>) { (add_half<Fold, (kLanes >> (bit + 1))>(), ...); }
    (std::make_integer_sequence<int, 3>{});
    return parts[0][0];
  }

 private:
  template <class Fold, int half>
  [[gnu::always_inline]] void add_half() {
    if constexpr (half > 0) {
      [&]<int... i>(std::integer_sequence<int, i...>) {
        Fold::add(parts[0], V(__builtin_shufflevector(parts[0], parts[0], ((i + half) % kLanes)...)));
      }
      (std::make_integer_sequence<int, kLanes>{});
    }
  }
};

/// Eight totals for each of four chains, which do not wait for each other.
template <class Fold, class T>
auto fold_row(const T* x, std::int64_t count) {
  using Total = typename Fold::template Total<T>;
  constexpr int kChains = 4;
  Eight<Total> chains[kChains];
  for (auto& chain : chains) {
    for (auto& part : chain.parts) part = typename Eight<Total>::V{} + Fold::template start<T>;
  }
  std::int64_t i = 0;
  for (; i + 8 * kChains <= count; i += 8 * kChains) {
    for (int k = 0; k < kChains; ++k) chains[k].template add_elements<Fold>(x + i + 8 * k);
  }
  for (; i + 8 <= count; i += 8) chains[0].template add_elements<Fold>(x + i);
  Total rest = Fold::template start<T>;
  for (; i < count; ++i) Fold::add(rest, static_cast<Total>(x[i]));
  chains[0].template add<Fold>(chains[1]);
  chains[2].template add<Fold>(chains[3]);
  chains[0].template add<Fold>(chains[2]);
  Total total = chains[0].template total<Fold>();
  Fold::add(total, rest);
  return total;
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

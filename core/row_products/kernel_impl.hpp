// SPDX-License-Identifier: BSD-3-Clause
// No include guard: compiled once for each instruction set, see cmake/Isa.cmake.
#include <cstdint>

#include <fathom/core/row_products/kernel.hpp>
#include <fathom/core/simd/batch.hpp>

namespace {

using fathom::Activation;
using fathom::detail::RowProducts;
using fathom::simd::Batch;
using std::int64_t;

template <class T>
constexpr int64_t kLanes = fathom::simd::lanes<T>;

/// The elements [p, end) of a row, zeros behind them.
template <class T>
Batch<T> load_rest(const T* row, int64_t p, int64_t end) {
  T values[kLanes<T>] = {};
  for (int64_t i = 0; i < kLanes<T> && p + i < end; ++i) values[i] = row[p + i];
  return Batch<T>::load_unaligned(values);
}

template <class T>
T finish(const RowProducts<T>& at, T sum, int64_t column, T before) {
  if (at.bias != nullptr) sum += at.bias[column];
  if (at.accumulates) sum += before;
  if (at.activation == Activation::none) return sum;
  if (sum <= T(0)) return T(0);
  return at.activation == Activation::relu6 && sum >= T(6) ? T(6) : sum;
}

/// R rows of a, from `row` on, with Q rows of b, from `column` on. Each sum has its own two chains, so that
/// its bits do not depend on Q.
template <class T, int R, int Q>
void products(const RowProducts<T>& at, int64_t row, int64_t column) {
  constexpr int kChains = 2;
  const T* a = at.a + row * at.a_step;
  const T* b = at.b + column * at.b_step;
  Batch<T> sums[kChains][R * Q];
  for (int chain = 0; chain < kChains; ++chain) {
    for (int i = 0; i < R * Q; ++i) sums[chain][i] = Batch<T>(T(0));
  }
  const auto add = [&](int chain, auto load) {
    Batch<T> left[R];
    for (int r = 0; r < R; ++r) left[r] = load(a + r * at.a_step);
    for (int q = 0; q < Q; ++q) {
      const Batch<T> right = load(b + q * at.b_step);
      for (int r = 0; r < R; ++r) {
        sums[chain][r * Q + q] = fathom::simd::multiply_add(left[r], right, sums[chain][r * Q + q]);
      }
    }
  };
  int64_t p = 0;
  for (; p + kChains * kLanes<T> <= at.k; p += kChains * kLanes<T>) {
    for (int chain = 0; chain < kChains; ++chain) {
      add(chain, [&](const T* from) { return Batch<T>::load_unaligned(from + p + chain * kLanes<T>); });
    }
  }
  for (int chain = 0; p < at.k; ++chain, p += kLanes<T>) {
    add(chain, [&](const T* from) { return load_rest(from, p, at.k); });
  }
  for (int r = 0; r < R; ++r) {
    for (int q = 0; q < Q; ++q) {
      T& to = at.c[(row + r) * at.c_step + column + q];
      to = finish(at, xsimd::hadd(sums[0][r * Q + q] + sums[1][r * Q + q]), column + q,
                  at.accumulates ? to : T(0));
    }
  }
}

template <class T>
void run(const RowProducts<T>& at, int64_t begin, int64_t end) {
  constexpr int kRows = 4;  // of b at once: as many streams from memory
  for (int64_t column = begin; column < end; column += kRows) {
    const bool full = column + kRows <= end;
    for (int64_t row = 0; row < at.m; row += 2) {
      const bool two = row + 2 <= at.m;
      if (full) {
        two ? products<T, 2, kRows>(at, row, column) : products<T, 1, kRows>(at, row, column);
        continue;
      }
      for (int64_t one = column; one < end; ++one) {
        two ? products<T, 2, 1>(at, row, one) : products<T, 1, 1>(at, row, one);
      }
    }
  }
}

constexpr fathom::detail::RowProductsTable kTable{&run<float>, &run<double>};

}  // namespace

namespace fathom::detail {

template <>
const RowProductsTable& row_product_kernels<Isa::FATHOM_ISA>() {
  return kTable;
}

}  // namespace fathom::detail

// SPDX-License-Identifier: BSD-3-Clause
// The loops over batches that every rule shares; included by the kernel_impl.hpp of each family alone.
#pragma once

#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {
namespace {

template <class T>
using Vector = xsimd::batch<T, FATHOM_ARCH>;
template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(Vector<T>::size);

/// The two kinds of kernels: how many operands they read, and what they make of them.
template <class Rule>
struct Value {
  static constexpr std::size_t operands = kInputs<Rule>;
  template <class V>
  static V at(const Rule& rule, const V* in) {
    if constexpr (operands == 1) {
      return rule.value(in[0]);
    } else {
      return rule.value(in[0], in[1]);
    }
  }
};
template <class Rule, std::size_t I>
struct Gradient {
  static constexpr std::size_t operands = 1 + kKept<Rule>;
  template <class V>
  static V at(const Rule& rule, const V* in) {
    return gradient_of<I>(rule, in[0], in + 1);
  }
};

/// Whole vectors. There is one copy of this loop: all elements of an array, the last ones too, go through the
/// same instructions, so that none depends on where a thread's part begins. `flatten` leaves no function of
/// xsimd or of a rule out of line, where the linker could take it for the baseline's.
template <class Map, class Rule, class T>
[[gnu::flatten, gnu::noinline]]
#if !defined(__clang__)
[[gnu::noclone]]  // g++ makes a second copy for a constant count
#endif
void map_vectors(const Rule& rule, const Operand<T>* in, T* out, std::int64_t count, bool accumulates) {
  Operand<T> operands[Map::operands];
  for (std::size_t k = 0; k < Map::operands; ++k) operands[k] = in[k];
  for (std::int64_t i = 0; i < count; i += kLanes<T>) {
    Vector<T> x[Map::operands];
    for (std::size_t k = 0; k < Map::operands; ++k) {
      x[k] = Vector<T>::load_unaligned(operands[k].data + i * operands[k].step);
    }
    Vector<T> y = Map::at(rule, x);
    if (accumulates) y += Vector<T>::load_unaligned(out + i);
    y.store_unaligned(out + i);
  }
}

template <class Map, class Rule, class T>
void map_elements(const Rule& rule, const Operand<T>* in, T* out, std::int64_t count, bool accumulates) {
  // A shared number becomes a vector of it that the loop reads again and again.
  Operand<T> operands[Map::operands];
  alignas(64) T shared[Map::operands][kLanes<T>];
  for (std::size_t k = 0; k < Map::operands; ++k) {
    operands[k] = in[k];
    if (in[k].step != 0) continue;
    for (T& lane : shared[k]) lane = *in[k].data;
    operands[k].data = shared[k];
  }
  const std::int64_t whole = count - count % kLanes<T>;
  map_vectors<Map>(rule, operands, out, whole, accumulates);
  if (whole == count) return;
  // The last ones read beyond the end of the operands, which the slack around arrays allows, and write aside.
  alignas(64) T last[kLanes<T>] = {};
  for (std::int64_t i = whole; accumulates && i < count; ++i) last[i - whole] = out[i];
  for (Operand<T>& operand : operands) operand.data += whole * operand.step;
  map_vectors<Map>(rule, operands, last, kLanes<T>, accumulates);
  for (std::int64_t i = whole; i < count; ++i) out[i] = last[i - whole];
}

template <class Rule, class T, std::size_t I>
constexpr RuleKernel<Rule, T> gradient_kernel() {
  if constexpr (kPassesGy<Rule, I, Vector<T>>) {
    return nullptr;
  } else {
    return &map_elements<Gradient<Rule, I>, Rule, T>;
  }
}

template <class Rule, class T>
constexpr RuleKernels<Rule, T> kernels_of() {
  if constexpr (kInputs<Rule> == 1) {
    return {&map_elements<Value<Rule>, Rule, T>, {gradient_kernel<Rule, T, 0>()}};
  } else {
    return {&map_elements<Value<Rule>, Rule, T>,
            {gradient_kernel<Rule, T, 0>(), gradient_kernel<Rule, T, 1>()}};
  }
}

template <class... Rule>
constexpr RuleTable<Rule...> table_of_kernels(RuleTable<Rule...>*) {
  return {kernels_of<Rule, float>()..., kernels_of<Rule, double>()...};
}
template <class Table>
constexpr Table kTable = table_of_kernels(static_cast<Table*>(nullptr));

}  // namespace
}  // namespace fathom::ops::rules

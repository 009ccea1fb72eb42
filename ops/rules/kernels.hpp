// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include <fathom/core/cpu.hpp>
#include <fathom/ops/rules/rule.hpp>

namespace fathom::ops::rules {

/// Where the numbers of one operand lie: `step` apart, 1, or 0 for one number that all elements share.
template <class T>
struct Operand {
  const T* data;
  std::int64_t step;
};

/// out[i] (+)= what the rule makes of in[0][i], in[1][i], ... for i < count.
template <class Rule, class T>
using RuleKernel = void (*)(const Rule& rule, const Operand<T>* in, T* out, std::int64_t count,
                            bool accumulates);

/// What one instruction set offers for one rule and one element type.
template <class Rule, class T>
struct RuleKernels {
  RuleKernel<Rule, T> value;                    ///< of the inputs
  RuleKernel<Rule, T> gradient[kInputs<Rule>];  ///< of gy and what the rule keeps; null where it is gy itself
};

/// The kernels of a family of rules.
template <class... Rule>
struct RuleTable : RuleKernels<Rule, float>..., RuleKernels<Rule, double>... {
  template <class Other>
  static constexpr bool has = (std::is_same_v<Rule, Other> || ...);
};

/// Each unit that a family's kernel_impl.hpp is compiled into defines one of these.
template <Isa isa, class Table>
[[nodiscard]] const Table& kernels();

}  // namespace fathom::ops::rules

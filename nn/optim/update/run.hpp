// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include <fathom/core/dtype.hpp>
#include <fathom/nn/optim/optimizer.hpp>
#include <fathom/nn/optim/update/kernel.hpp>

namespace fathom::nn::update {

/// Applies a rule to a range with the kernel of the instruction set in use. Counted once for each parameter.
template <class Rule>
void run(const Rule& rule, const UpdateRange& range) {
  const Isa isa = active_isa();
  const RuleKernels<Rule>& chosen =
      fathom::detail::dispatch_isa(isa, []<Isa set>() -> const KernelTable& { return kernels<set>(); });
  if (range.offset == 0) fathom::detail::count_kernel(Rule::kName, isa, range.dtype);
  dispatch_float(range.dtype, Rule::kName, [&]<class T>() {
    Elements<T> elements{range.count, range.values<T>(), range.gradients<T>(), {}};
    for (int k = 0; k < Rule::kStates; ++k) elements.state[k] = range.state<T>(static_cast<std::size_t>(k));
    if constexpr (std::is_same_v<T, float>) {
      chosen.float32(rule, elements);
    } else {
      chosen.float64(rule, elements);
    }
  });
}

}  // namespace fathom::nn::update

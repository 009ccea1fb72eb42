// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/rules/fused_activation.hpp>

#include <algorithm>
#include <array>

#include <fathom/core/cpu.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/activation/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops::detail {
namespace {

/// Calls f(rule) with the rule of an activation other than none.
template <class F>
auto with_rule(Activation activation, F f) {
  return activation == Activation::relu ? f(rules::Relu{}) : f(rules::Relu6{6});
}

/// `select`'s kernel of the rule makes `out` from `sources`, all of one shape; out may be one of them.
template <class Rule>
void run(const Rule& rule, rules::Pass pass, std::initializer_list<const Array*> sources, Array& out,
         auto select) {
  constexpr std::int64_t kBlock = 1 << 12;  // elements
  constexpr std::int64_t kGrain = 8;        // blocks
  if (out.size() == 0) return;
  using Table = decltype(rules::table_of(rule));
  const Isa isa = active_isa();
  const Table& table = fathom::detail::dispatch_isa(
      isa, []<Isa set>() -> const Table& { return rules::kernels<set, Table>(); });
  fathom::detail::count_kernel(rules::kernel_name<Rule>(pass), isa, out.dtype());
  dispatch_float(out.dtype(), Rule::name, [&]<class T>() {
    const rules::RuleKernel<Rule, T> kernel = select(static_cast<const rules::RuleKernels<Rule, T>&>(table));
    T* const to = out.mutable_data<T>();
    std::array<const T*, 2> from{};
    std::transform(sources.begin(), sources.end(), from.begin(),
                   [](const Array* source) { return source->data<T>(); });
    const std::int64_t size = out.size();
    parallel_for((size + kBlock - 1) / kBlock, kGrain, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t first = begin * kBlock;
      const std::array<rules::Operand<T>, 2> in{{{from[0] + first, 1}, {from[1] + first, 1}}};
      kernel(rule, in.data(), to + first, std::min(size, end * kBlock) - first, false);
    });
  });
}

}  // namespace

void activate(Activation activation, Array& y) {
  if (activation == Activation::none) return;
  with_rule(activation, [&](const auto& rule) {
    run(rule, rules::Pass::forward, {&y, &y}, y, [](const auto& kernels) { return kernels.value; });
  });
}

Variable through_activation(Activation activation, const Variable& gy, const Variable& y) {
  if (activation == Activation::none) return gy;
  return with_rule(activation, [&](const auto& rule) { return rule.gradient(gy, y); });
}

Array through_activation(Activation activation, const Array& gy, const Array& y) {
  if (activation == Activation::none) return gy;
  Array g = Array::empty(gy.shape(), gy.dtype());
  with_rule(activation, [&](const auto& rule) {
    run(rule, rules::Pass::backward, {&gy, &y}, g, [](const auto& kernels) { return kernels.gradient[0]; });
  });
  return g;
}

}  // namespace fathom::ops::detail

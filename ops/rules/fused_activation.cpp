// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/rules/fused_activation.hpp>

#include <algorithm>
#include <array>

#include <fathom/core/cpu.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/core/reduce/kernel.hpp>
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

/// `select`'s kernel of the rule makes `out` from `sources`, all of one shape, a block of elements after the
/// other; out may be one of them. Then `finish(block, first element of out's, elements)` is called.
template <class Rule>
void run(const Rule& rule, rules::Pass pass, std::initializer_list<const Array*> sources, Array& out,
         std::int64_t block_size, auto select, auto finish) {
  constexpr std::int64_t kGrain = 1 << 15;  // elements
  if (out.size() == 0) return;
  using Table = decltype(rules::table_of(rule));
  const Isa isa = active_isa();
  const Table& table = fathom::detail::dispatch_isa(
      isa, []<Isa set>() -> const Table& { return rules::kernels<set, Table>(); });
  fathom::detail::count_kernel(rules::kernel_name<Rule>(pass), isa, out.dtype());
  dispatch_float(out.dtype(), Rule::name, [&]<class T>() {
    const rules::RuleKernel<Rule, T> kernel = select(static_cast<const rules::RuleKernels<Rule, T>&>(table));
    std::array<const T*, 2> from{};
    std::transform(sources.begin(), sources.end(), from.begin(),
                   [](const Array* source) { return source->data<T>(); });
    T* const to = out.mutable_data<T>();
    const std::int64_t size = out.size();
    const std::int64_t blocks = (size + block_size - 1) / block_size;
    parallel_for(blocks, kGrain / block_size + 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t first = block * block_size;
        const std::int64_t count = std::min(block_size, size - first);
        const std::array<rules::Operand<T>, 2> in{{{from[0] + first, 1}, {from[1] + first, 1}}};
        kernel(rule, in.data(), to + first, count, false);
        finish(block, to + first, count);
      }
    });
  });
}

constexpr std::int64_t kBlock = 1 << 13;  // elements
constexpr auto nothing_more = [](std::int64_t, const auto*, std::int64_t) {};

/// What `through_activation` writes.
Array over(const Array& gy) { return gy.is_unique() ? gy : Array::empty(gy.shape(), gy.dtype()); }

/// As `through_activation` in blocks of `block_size`.
template <class Finish>
Array pass_back(Activation activation, const Array& gy, const Array& y, std::int64_t block_size,
                Finish finish) {
  Array g = over(gy);
  with_rule(activation, [&](const auto& rule) {
    run(
        rule, rules::Pass::backward, {&gy, &y}, g, block_size,
        [](const auto& kernels) { return kernels.gradient[0]; }, finish);
  });
  return g;
}

}  // namespace

Variable through_activation(Activation activation, const Variable& gy, const Variable& y) {
  if (activation == Activation::none) return gy;
  return with_rule(activation, [&](const auto& rule) { return rule.gradient(gy, y); });
}

Array through_activation(Activation activation, const Array& gy, const Array& y) {
  if (activation == Activation::none) return gy;
  return pass_back(activation, gy, y, kBlock, nothing_more);
}

BiasedGradient through_biased_activation(Activation activation, const Array& gy, const Array& y) {
  const std::int64_t plane = gy.shape()[2] * gy.shape()[3];
  // Long planes leave the cache before they are added up, short ones are not worth a call each.
  constexpr std::int64_t kShortest = 64;
  constexpr std::int64_t kLongest = 1 << 13;
  if (activation == Activation::none || gy.size() == 0 || plane < kShortest || plane > kLongest) {
    Array g = through_activation(activation, gy, y);
    Array gb = fathom::sum(g, Axes{0, 2, 3});
    return {std::move(g), std::move(gb)};
  }
  Array sums = Array::empty({gy.shape()[0], gy.shape()[1]}, DType::float64);
  double* const to = sums.mutable_data<double>();
  Array g = pass_back(activation, gy, y, plane,
                      [to]<class T>(std::int64_t block, const T* values, std::int64_t count) {
                        to[block] = fathom::detail::row_folds<T>().sum(values, count);
                      });
  return {std::move(g), fathom::sum(sums, Axes{0}).astype(gy.dtype())};
}

}  // namespace fathom::ops::detail

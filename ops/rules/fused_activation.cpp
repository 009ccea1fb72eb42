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

constexpr std::int64_t kBlock = 1 << 13;  // elements
constexpr auto nothing_more = [](std::int64_t, const auto*, std::int64_t) {};

/// What `through_activation` writes.
Array over(const Array& gy) { return gy.is_unique() ? gy : Array::empty(gy.shape(), gy.dtype()); }

/// As `through_activation`, a block of elements after the other. Then `finish(block, first element of g's,
/// elements)` is called.
template <class Finish>
Array pass_back(Activation activation, const Array& gy, const Array& y, std::int64_t block_size,
                Finish finish) {
  constexpr std::int64_t kGrain = 1 << 15;  // elements
  Array g = over(gy);
  if (g.size() == 0) return g;
  count_gradient(activation, g.dtype());
  dispatch_float(g.dtype(), to_string(activation), [&]<class T>() {
    const T* const pgy = gy.data<T>();
    const T* const py = y.data<T>();
    T* const to = g.mutable_data<T>();
    const std::int64_t size = g.size();
    const std::int64_t blocks = (size + block_size - 1) / block_size;
    parallel_for(blocks, kGrain / block_size + 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t first = block * block_size;
        const std::int64_t count = std::min(block_size, size - first);
        through_activation(activation, pgy + first, py + first, to + first, count);
        finish(block, to + first, count);
      }
    });
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

template <class T>
void through_activation(Activation activation, const T* gy, const T* y, T* g, std::int64_t count) {
  with_rule(activation, [&]<class Rule>(const Rule& rule) {
    using Table = decltype(rules::table_of(rule));
    const Table& table = fathom::detail::dispatch_isa(
        active_isa(), []<Isa set>() -> const Table& { return rules::kernels<set, Table>(); });
    const std::array<rules::Operand<T>, 2> in{{{gy, 1}, {y, 1}}};
    static_cast<const rules::RuleKernels<Rule, T>&>(table).gradient[0](rule, in.data(), g, count, false);
  });
}

void count_gradient(Activation activation, DType dtype) {
  with_rule(activation, [&]<class Rule>(const Rule&) {
    fathom::detail::count_kernel(rules::kernel_name<Rule>(rules::Pass::backward), active_isa(), dtype);
  });
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

template void through_activation<float>(Activation, const float*, const float*, float*, std::int64_t);
template void through_activation<double>(Activation, const double*, const double*, double*, std::int64_t);

}  // namespace fathom::ops::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/kernels.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/where.hpp>

namespace fathom::ops::rules {

enum class Pass : std::uint8_t { forward, backward };

/// "relu/forward": what counts a rule's kernel. One literal for each rule and pass.
template <class Rule>
[[nodiscard]] std::string_view kernel_name(Pass pass) {
  static constexpr auto kNames = [] {
    constexpr std::string_view passes[] = {"/forward", "/backward"};
    std::array<std::array<char, Rule::name.size() + 10>, 2> names{};
    for (std::size_t i = 0; i < 2; ++i) {
      std::copy(passes[i].begin(), passes[i].end(),
                std::copy(Rule::name.begin(), Rule::name.end(), names[i].begin()));
    }
    return names;
  }();
  return kNames[static_cast<std::size_t>(pass)].data();
}

/// The op that a rule describes, of one input, or of two with NumPy's broadcasting. Its kernels are those of
/// the rule's family for the instruction set in use.
template <class Rule>
class Elementwise final : public Function {
 public:
  explicit Elementwise(Rule rule) : rule_(rule) {}

  [[nodiscard]] std::string_view name() const override { return Rule::name; }

  [[nodiscard]] Attributes attributes() const override {
    Attributes result;
    if constexpr (requires { rule_.options(); }) {
      for (const auto& [name, value] : rule_.options().all) {
        result.emplace_back(name, fmt::format("{}", value));
      }
    }
    return result;
  }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    std::array<Source, kInputs<Rule>> sources{};
    for (std::size_t i = 0; i < kInputs<Rule>; ++i) {
      shapes_[i] = inputs[i].shape();
      sources[i] = {&inputs[i], 1 + i};
      if (Rule::keeps == Keeps::inputs) retain_input(i);
    }
    if (Rule::keeps == Keeps::output) retain_output(0);
    Array y = Array::empty(broadcast_shapes(Rule::name, shapes_.front(), shapes_.back()), inputs[0].dtype());
    run(Pass::forward, sources, y, false, [](const auto& kernels) { return kernels.value; });
    return {std::move(y)};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    std::array<Variable, std::max<std::size_t>(1, kKept<Rule>)> kept;
    for (std::size_t k = 0; k < kKept<Rule>; ++k) {
      kept[k] = Rule::keeps == Keeps::inputs ? input(k) : output(k);
    }
    Variables gxs(kInputs<Rule>);
    for_each_wanted(wanted, [&]<std::size_t I>() {
      const Variable gx = gradient_of<I>(rule_, gys[0], kept.data());
      gxs[I] = gx.shape() == shapes_[I] ? gx : sum_to(gx, shapes_[I]);
    });
    return gxs;
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }

  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    const Array& gy = gys[0];
    for_each_wanted(wanted, [&]<std::size_t I>() {
      if constexpr (kPassesGy<Rule, I, Variable>) {
        into[I].give(fathom::sum_to(gy, shapes_[I]));
      } else if (shapes_[I] != gy.shape()) {
        Array full = Array::empty(gy.shape(), gy.dtype());
        write_gradient<I>(gy, full, false);
        into[I].give(fathom::sum_to(full, shapes_[I]));
      } else {
        const bool accumulates = into[I].accumulates();
        write_gradient<I>(gy, into[I].buffer(), accumulates);
      }
    });
  }

 private:
  /// An operand of a kernel: of y's shape (0), or of input place - 1's shape.
  struct Source {
    const Array* array;
    std::size_t place;
  };

  static void for_each_wanted(const Wanted& wanted, const auto& body) {
    if (wanted[0]) body.template operator()<0>();
    if constexpr (kInputs<Rule> == 2) {
      if (wanted[1]) body.template operator()<1>();
    }
  }

  /// gx (+)= the gradient of input I, in y's shape.
  template <std::size_t I>
  void write_gradient(const Array& gy, Array& gx, bool accumulates) const {
    std::array<Source, 1 + kKept<Rule>> sources{{{&gy, 0}}};
    for (std::size_t k = 0; k < kKept<Rule>; ++k) {
      sources[1 + k] =
          Rule::keeps == Keeps::inputs ? Source{&input_array(k), 1 + k} : Source{&output_array(k), 0};
    }
    run(Pass::backward, sources, gx, accumulates, [](const auto& kernels) { return kernels.gradient[I]; });
  }

  /// to (+)= the kernel that `select` takes from the table, of the sources stretched to the shape of `to`.
  template <std::size_t N>
  void run(Pass pass, const std::array<Source, N>& sources, Array& to, bool accumulates, auto select) const {
    if (to.size() == 0) return;
    const Isa isa = active_isa();
    using Table = decltype(table_of(rule_));
    const Table& table =
        fathom::detail::dispatch_isa(isa, []<Isa set>() -> const Table& { return kernels<set, Table>(); });
    fathom::detail::count_kernel(kernel_name<Rule>(pass), isa, to.dtype());
    const fathom::detail::BroadcastRows rows =
        fathom::detail::broadcast_rows(shapes_.front(), shapes_.back(), to.shape());
    const std::array<std::int64_t, 3> steps{1, rows.step_a, rows.step_b};
    dispatch_float(to.dtype(), Rule::name, [&]<class T>() {
      const RuleKernel<Rule, T> kernel = select(static_cast<const RuleKernels<Rule, T>&>(table));
      std::array<const T*, N> data{};
      for (std::size_t k = 0; k < N; ++k) data[k] = sources[k].array->template data<T>();
      T* out = to.mutable_data<T>();
      parallel_rows(rows, [&](std::int64_t row, std::int64_t begin, std::int64_t end) {
        const auto [offset_a, offset_b] = rows.offsets(row);
        const std::array<std::int64_t, 3> offsets{row * rows.length, offset_a, offset_b};
        std::array<Operand<T>, N> in{};
        for (std::size_t k = 0; k < N; ++k) {
          const std::size_t place = sources[k].place;
          in[k] = {data[k] + offsets[place] + begin * steps[place], steps[place]};
        }
        kernel(rule_, in.data(), out + row * rows.length + begin, end - begin, accumulates);
      });
    });
  }

  Rule rule_;
  std::array<Shape, kInputs<Rule>> shapes_;
};

template <class Rule>
[[nodiscard]] Variable elementwise(const Variable& x, const Rule& rule) {
  ops::detail::check_defined(Rule::name, x);
  return apply<Elementwise<Rule>>({x}, rule);
}

template <class Rule>
[[nodiscard]] Variable elementwise(const Variable& a, const Variable& b, const Rule& rule) {
  ops::detail::check_broadcast(Rule::name, a, b);
  return apply<Elementwise<Rule>>({a, b}, rule);
}

/// The forms of rule.hpp's functions for Variables.
template <class Rule>
[[nodiscard]] Variable apply_rule(const Rule& rule, const Variable& x) {
  return elementwise(x, rule);
}
template <class Rule>
[[nodiscard]] Variable apply_rule(const Rule& rule, const Variable& a, const Variable& b) {
  return elementwise(a, b, rule);
}
template <class F>
[[nodiscard]] Variable locally_constant(const F& f, const Variable& x) {
  return Variable{map("locally_constant", x.data(), [&f]<class T>(T v) { return static_cast<T>(f(v)); })};
}
template <class F>
[[nodiscard]] Variable zero_unless(const F& f, const Variable& t, const Variable& x) {
  return where(locally_constant(f, t).data().astype(DType::boolean), x,
               Variable(Array::scalar(0, x.dtype())));
}
template <class F>
[[nodiscard]] Variable locally_constant(const F& f, const Variable& a, const Variable& b) {
  return Variable{zip("locally_constant", a.data(), b.data(),
                      [&f]<class T>(T v, T w) { return static_cast<T>(f(v, w)); })};
}

}  // namespace fathom::ops::rules

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/elementwise/check.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops::detail {

/// What a rule's gradient reads besides gy; nothing else stays alive after forward.
enum class Keeps : std::uint8_t { nothing, inputs, output };

/// A constant of a rule in the type that combines with V: V itself for numbers, double for Variables.
template <class V>
using Constant = std::conditional_t<std::is_same_v<V, Variable>, double, V>;

/// An elementwise op of one input, or of two with NumPy's broadcasting, made from a rule:
///
///     struct Sigmoid {
///       static constexpr std::string_view name = "sigmoid";
///       static constexpr Keeps keeps = Keeps::output;
///       template <class T> T value(T x) const;
///       auto gradient(const auto& gy, const auto& y) const { return gy * y * (1 - y); }
///     };
///
/// `value` maps numbers. `gradient` (for two inputs `gradient_a` and `gradient_b`) takes gy and what the rule
/// keeps. It is compiled twice, for numbers (one fused loop, when no graph is recorded) and for Variables
/// (differentiable again), so the two ways cannot drift apart. One that returns gy itself, by reference, is
/// passed on without a copy. A rule may have data members (its options) and `attributes()`.
template <class Rule>
class Elementwise final : public Function {
 public:
  explicit Elementwise(Rule rule = {}) : rule_(std::move(rule)) {}

  [[nodiscard]] std::string_view name() const override { return Rule::name; }

  [[nodiscard]] Attributes attributes() const override {
    if constexpr (requires { rule_.attributes(); }) return rule_.attributes();
    return {};
  }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    for (std::size_t i = 0; i < kInputs; ++i) {
      shapes_[i] = inputs[i].shape();
      if (Rule::keeps == Keeps::inputs) retain_input(i);
    }
    if (Rule::keeps == Keeps::output) retain_output(0);
    if constexpr (kInputs == 1) {
      return {map(Rule::name, inputs[0], [rule = rule_](auto x) { return rule.value(x); })};
    } else {
      return {
          zip(Rule::name, inputs[0], inputs[1], [rule = rule_](auto a, auto b) { return rule.value(a, b); })};
    }
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    Variables gxs(kInputs);
    for_each_wanted(wanted, [&]<std::size_t I>() {
      const Variable gx =
          std::apply([&](const auto&... kept) { return gradient<I>(gys[0], kept...); }, kept_variables());
      gxs[I] = gx.shape() == shapes_[I] ? gx : sum_to(gx, shapes_[I]);
    });
    return gxs;
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }

  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    const Array& gy = gys[0];
    for_each_wanted(wanted, [&]<std::size_t I>() {
      const bool stretched = shapes_[I] != gy.shape();
      if constexpr (passes_gy<I>()) {
        into[I].give(fathom::sum_to(gy, shapes_[I]));
      } else if (stretched) {
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
  static constexpr std::size_t kInputs = requires(const Rule& rule) { rule.value(1.0F); }
  ? 1 : 2;
  static constexpr std::size_t kKept = Rule::keeps == Keeps::nothing  ? 0
                                       : Rule::keeps == Keeps::output ? 1
                                                                      : kInputs;

  template <std::size_t I>
  decltype(auto) gradient(const auto& gy, const auto&... kept) const {
    if constexpr (kInputs == 1)
      return rule_.gradient(gy, kept...);
    else if constexpr (I == 0)
      return rule_.gradient_a(gy, kept...);
    else
      return rule_.gradient_b(gy, kept...);
  }

  template <std::size_t I>
  static constexpr bool passes_gy() {
    return []<std::size_t... K>(std::index_sequence<K...>) {
      return std::is_reference_v<decltype(std::declval<const Elementwise&>().template gradient<I>(
          std::declval<const float&>(), ((void)K, std::declval<const float&>())...))>;
    }
    (std::make_index_sequence<kKept>{});
  }

  template <class F>
  static void for_each_wanted(const Wanted& wanted, F&& f) {
    if (wanted[0]) f.template operator()<0>();
    if constexpr (kInputs == 2) {
      if (wanted[1]) f.template operator()<1>();
    }
  }

  [[nodiscard]] auto kept_variables() const {
    return [this]<std::size_t... K>(std::index_sequence<K...>) {
      return std::make_tuple((Rule::keeps == Keeps::inputs ? input(K) : output(K))...);
    }
    (std::make_index_sequence<kKept>{});
  }

  /// What was kept, stretched to y's shape.
  [[nodiscard]] std::array<Array, kKept> kept_arrays(const Shape& shape) const {
    std::array<Array, kKept> kept;
    for (std::size_t i = 0; i < kKept; ++i) {
      const Array& array = Rule::keeps == Keeps::inputs ? input_array(i) : output_array(i);
      kept[i] = array.shape() == shape ? array : fathom::broadcast_to(array, shape);
    }
    return kept;
  }

  template <std::size_t I>
  void write_gradient(const Array& gy, Array& gx, bool accumulates) const {
    dispatch_float(gy.dtype(), Rule::name, [&]<class T>() {
      const auto loop = [&]<std::size_t... K>(std::index_sequence<K...>,
                                              const std::array<Array, kKept>& kept) {
        const T* g = gy.data<T>();
        const std::tuple sources{kept[K].template data<T>()...};
        T* out = gx.mutable_data<T>();
        const auto at = [this, g, sources](std::int64_t i) {
          return static_cast<T>(gradient<I>(g[i], std::get<K>(sources)[i]...));
        };
        parallel_for(gy.size(), fathom::detail::kElementGrain, [=](std::int64_t begin, std::int64_t end) {
          if (accumulates) {
            for (std::int64_t i = begin; i < end; ++i) out[i] += at(i);
          } else {
            for (std::int64_t i = begin; i < end; ++i) out[i] = at(i);
          }
        });
      };
      loop(std::make_index_sequence<kKept>{}, kept_arrays(gy.shape()));
    });
  }

  Rule rule_;
  std::array<Shape, kInputs> shapes_;
};

template <class Rule>
[[nodiscard]] Variable elementwise(const Variable& x, Rule rule = {}) {
  check_elementwise(Rule::name, x);
  return apply<Elementwise<Rule>>({x}, std::move(rule));
}

template <class Rule>
[[nodiscard]] Variable elementwise(const Variable& a, const Variable& b, Rule rule = {}) {
  check_elementwise(Rule::name, a, b);
  return apply<Elementwise<Rule>>({a, b}, std::move(rule));
}

}  // namespace fathom::ops::detail

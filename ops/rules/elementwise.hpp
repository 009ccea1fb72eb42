// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops::detail {

/// What a rule's gradient reads besides gy; nothing else stays alive after forward.
enum class Keeps : std::uint8_t { nothing, inputs, output };

/// A constant of a rule in the type that combines with V: V itself for numbers, double for Variables.
template <class V>
using Constant = std::conditional_t<std::is_same_v<V, Variable>, double, V>;

/// f(x) for a factor whose derivative is zero wherever it has one, such as a mask or a sign: a number for a
/// number, a constant for a Variable.
template <class V, class F>
[[nodiscard]] V locally_constant(const V& x, F f) {
  if constexpr (std::is_same_v<V, Variable>) {
    return Variable{map("locally_constant", x.data(), f)};
  } else {
    return f(x);
  }
}

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
    if constexpr (kUnary) {
      return {map(Rule::name, inputs[0], [rule = rule_](auto x) { return rule.value(x); })};
    } else {
      return {
          zip(Rule::name, inputs[0], inputs[1], [rule = rule_](auto a, auto b) { return rule.value(a, b); })};
    }
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    const auto kept = [this](std::size_t k) { return Rule::keeps == Keeps::inputs ? input(k) : output(k); };
    Variables gxs(kInputs);
    for_each_wanted(wanted, [&]<std::size_t I>() {
      const Variable gx = gradient<I>(rule_, gys[0], kept);
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
      if constexpr (kPassesGy<I>) {
        into[I].give(fathom::sum_to(gy, shapes_[I]));
      } else if (stretched) {
        Array full = Array::empty(gy.shape(), gy.dtype());
        write_gradient<I>(gy, false, full);
        into[I].give(fathom::sum_to(full, shapes_[I]));
      } else {
        const bool accumulates = into[I].accumulates();
        write_gradient<I>(gy, accumulates, into[I].buffer());
      }
    });
  }

 private:
  static constexpr bool kUnary = requires(const Rule& rule) { rule.value(1.0F); };
  static constexpr std::size_t kInputs = kUnary ? 1 : 2;
  static constexpr std::size_t kKept = Rule::keeps == Keeps::nothing  ? 0
                                       : Rule::keeps == Keeps::output ? 1
                                                                      : kInputs;

  /// The rule's gradient of input I; the k-th thing it keeps is kept(k).
  template <std::size_t I, class V, class Kept, std::size_t... K>
  static decltype(auto) gradient(const Rule& rule, const V& gy, const Kept& kept, std::index_sequence<K...>) {
    if constexpr (kUnary) {
      return rule.gradient(gy, kept(K)...);
    } else if constexpr (I == 0) {
      return rule.gradient_a(gy, kept(K)...);
    } else {
      return rule.gradient_b(gy, kept(K)...);
    }
  }
  template <std::size_t I, class V, class Kept>
  static decltype(auto) gradient(const Rule& rule, const V& gy, const Kept& kept) {
    return gradient<I>(rule, gy, kept, std::make_index_sequence<kKept>{});
  }

  template <std::size_t I>
  static constexpr bool kPassesGy =
      std::is_reference_v<decltype(gradient<I>(std::declval<const Rule&>(), std::declval<const float&>(),
                                               std::declval<float (*const&)(std::size_t)>()))>;

  static void for_each_wanted(const Wanted& wanted, const auto& body) {
    if (wanted[0]) body.template operator()<0>();
    if constexpr (!kUnary) {
      if (wanted[1]) body.template operator()<1>();
    }
  }

  /// What the rule keeps, stretched to y's shape.
  [[nodiscard]] std::array<Array, kKept> kept_arrays(const Shape& shape) const {
    std::array<Array, kKept> kept;
    for (std::size_t k = 0; k < kKept; ++k) {
      const Array& array = Rule::keeps == Keeps::inputs ? input_array(k) : output_array(k);
      kept[k] = array.shape() == shape ? array : fathom::broadcast_to(array, shape);
    }
    return kept;
  }

  /// gx (+)= the gradient of input I, all in y's shape.
  template <std::size_t I>
  void write_gradient(const Array& gy, bool accumulates, Array& gx) const {
    const std::array<Array, kKept> kept = kept_arrays(gy.shape());
    dispatch_float(gy.dtype(), Rule::name, [&]<class T>() {
      std::array<const T*, kKept> sources{};
      for (std::size_t k = 0; k < kKept; ++k) sources[k] = kept[k].template data<T>();
      const auto at = [rule = rule_, g = gy.data<T>(), sources](std::int64_t i) {
        return static_cast<T>(gradient<I>(rule, g[i], [&](std::size_t k) { return sources[k][i]; }));
      };
      T* to = gx.mutable_data<T>();
      parallel_for(gy.size(), fathom::detail::kElementGrain, [=](std::int64_t begin, std::int64_t end) {
        const auto from = at;  // a copy of this thread's own, which the stores below cannot change
        if (accumulates) {
          for (std::int64_t i = begin; i < end; ++i) to[i] += from(i);
        } else {
          for (std::int64_t i = begin; i < end; ++i) to[i] = from(i);
        }
      });
    });
  }

  Rule rule_;
  std::array<Shape, kInputs> shapes_;
};

template <class Rule>
[[nodiscard]] Variable elementwise(const Variable& x, Rule rule = {}) {
  check_defined(Rule::name, x);
  return apply<Elementwise<Rule>>({x}, std::move(rule));
}

template <class Rule>
[[nodiscard]] Variable elementwise(const Variable& a, const Variable& b, Rule rule = {}) {
  check_broadcast(Rule::name, a, b);
  return apply<Elementwise<Rule>>({a, b}, std::move(rule));
}

}  // namespace fathom::ops::detail

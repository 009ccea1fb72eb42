// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <xsimd/xsimd.hpp>

/// What the rules of elementwise ops are written in. A rule is one struct:
///
///     struct LeakyRelu {
///       static constexpr std::string_view name = "leaky_relu";
///       static constexpr Keeps keeps = Keeps::inputs;
///       double slope;
///       auto options() const { return Options{Option{"slope", slope}}; }
///       auto value(const auto& x) const { return choose(x >= 0, x, x * like(x, slope)); }
///       auto gradient(const auto& gy, const auto& x) const { ... }
///     };
///
/// `value` takes batches. `gradient` takes gy and what the rule keeps, as batches or as Variables: one text
/// is the kernel of every instruction set and the gradient that can be differentiated again, so the two
/// cannot drift apart. A gradient that returns gy itself, by reference, is passed on without a copy. A rule
/// of two inputs says `inputs = 2` and has `gradient_a` and `gradient_b`.
///
/// Rules are compiled for every instruction set, hence templates alone, and no containers. Ask `isnan(x)`:
/// x != x is false of NaN in xsimd 8.1's AVX.
namespace fathom::ops::rules {

/// What a rule's gradient reads besides gy; nothing else stays alive after forward.
enum class Keeps : std::uint8_t { nothing, inputs, output };

/// A number given with the op, for graphs and summaries.
struct Option {
  std::string_view name;
  double value;
};

/// The options of a rule: `Options{Option{"slope", slope}}`.
template <std::size_t N>
struct Options {
  Option all[N];
};
template <class... Each>
Options(Each...) -> Options<sizeof...(Each)>;

/// What the rules of ops with a number share.
struct WithNumber {
  double number;
  auto options() const { return Options{Option{"value", number}}; }
};

template <class V>
concept Batch = xsimd::is_batch<V>::value;

/// The constant `number` in a type that combines with `x`: x's own, double for a Variable.
template <class V>
[[nodiscard]] auto like([[maybe_unused]] const V& x, double number) {
  if constexpr (Batch<V>) {
    return V(static_cast<typename V::value_type>(number));
  } else if constexpr (std::is_floating_point_v<V>) {
    return static_cast<V>(number);
  } else {
    return number;
  }
}

/// a where `condition` holds, else b.
template <class A, class B>
[[nodiscard]] auto choose(std::same_as<bool> auto condition, A a, B b) {
  using Common = std::common_type_t<A, B>;
  return condition ? static_cast<Common>(a) : static_cast<Common>(b);
}
template <class T, class Arch>
[[nodiscard]] auto choose(const xsimd::batch_bool<T, Arch>& condition,
                          const std::type_identity_t<xsimd::batch<T, Arch>>& a,
                          const std::type_identity_t<xsimd::batch<T, Arch>>& b) {
  return xsimd::select(condition, a, b);
}

/// f of each pair of lanes by itself, for functions of the C library that xsimd has less accurately.
template <class F, Batch V>
[[nodiscard]] V lanewise(const F& f, const V& a, const V& b) {
  typename V::value_type lanes[2][V::size];
  a.store_unaligned(lanes[0]);
  b.store_unaligned(lanes[1]);
  for (std::size_t i = 0; i < V::size; ++i) lanes[0][i] = f(lanes[0][i], lanes[1][i]);
  return V::load_unaligned(lanes[0]);
}
template <class F, Batch V>
[[nodiscard]] V lanewise(const F& f, const V& x) {
  return lanewise([&f](auto v, auto) { return f(v); }, x, x);
}

/// f of a batch of floats; of doubles lane by lane, for functions of which xsimd 8.1 is accurate in float
/// alone. `f` takes numbers and batches: `[](const auto& v) { using std::erf; return erf(v); }`.
template <class F, Batch V>
[[nodiscard]] V lanewise_in_double(const F& f, const V& x) {
  if constexpr (std::is_same_v<typename V::value_type, double>) {
    return lanewise(f, x);
  } else {
    return f(x);
  }
}

/// f(xs...), a factor whose derivative is zero wherever it has one, such as a mask or a sign. `f` takes
/// numbers and batches; of Variables it makes a constant.
template <class F, class... V>
[[nodiscard]] auto locally_constant(const F& f, const V&... xs) {
  return f(xs...);
}

/// x, but 0 where f(t) is: chosen, so that x may be NaN there, in gradients of all orders.
template <class F, class V>
[[nodiscard]] V zero_unless(const F& f, const V& t, const V& x) {
  return choose(f(t) == 0, like(x, 0), x);
}

/// -x. xsimd 8.1 takes 0 - x with AVX-512, which makes +0 of 0.
template <class V>
[[nodiscard]] V negated(const V& x) {
  if constexpr (Batch<V>) {
    return x ^ like(x, -0.0);
  } else {
    return -x;
  }
}

/// Another rule's op: of batches its value, of Variables the op with its own gradient.
template <class Rule, class... V>
[[nodiscard]] auto apply_rule(const Rule& rule, const V&... xs) {
  return rule.value(xs...);
}

template <class Rule>
inline constexpr std::size_t kInputs = 1;
template <class Rule>
requires(Rule::inputs > 0) inline constexpr std::size_t kInputs<Rule> = Rule::inputs;

/// How many batches or Variables a gradient takes besides gy.
template <class Rule>
inline constexpr std::size_t kKept = Rule::keeps == Keeps::nothing  ? 0
                                     : Rule::keeps == Keeps::output ? 1
                                                                    : kInputs<Rule>;

/// The rule's gradient of input I. Always inline, and so must be large gradients of batches: clang's
/// `flatten` leaves what is too large out of line (kernel_loops.hpp says why it may not be there).
template <std::size_t I, class Rule, class V, std::size_t... K>
[[gnu::always_inline]] inline decltype(auto) gradient_of(const Rule& rule, const V& gy, const V* kept,
                                                         std::index_sequence<K...>) {
  static_cast<void>(kept);
  if constexpr (kInputs<Rule> == 1) {
    return rule.gradient(gy, kept[K]...);
  } else if constexpr (I == 0) {
    return rule.gradient_a(gy, kept[K]...);
  } else {
    return rule.gradient_b(gy, kept[K]...);
  }
}
template <std::size_t I, class Rule, class V>
[[gnu::always_inline]] inline decltype(auto) gradient_of(const Rule& rule, const V& gy, const V* kept) {
  return gradient_of<I>(rule, gy, kept, std::make_index_sequence<kKept<Rule>>{});
}

/// Whether the gradient of input I is gy itself.
template <class Rule, std::size_t I, class V>
inline constexpr bool kPassesGy = std::is_reference_v<decltype(gradient_of<I>(
    std::declval<const Rule&>(), std::declval<const V&>(), std::declval<const V*>()))>;

}  // namespace fathom::ops::rules

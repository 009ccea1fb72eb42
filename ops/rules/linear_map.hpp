// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>
#include <utility>

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops {

/// The twin of reshape on Variables, so that a rule's adjoint reads the same for both.
[[nodiscard]] inline Array reshape(const Array& x, const Shape& shape) { return x.reshape(shape); }

namespace detail {

/// An op that is linear in its inputs (moving, copying, choosing, adding up elements), made from a rule:
///
///     struct BroadcastTo {
///       static constexpr std::string_view name = "broadcast_to";
///       Shape from, to;
///       Array value(const Array& x) const { return fathom::broadcast_to(x, to); }
///       auto adjoint(const auto& gy) const { return sum_to(gy, from); }
///       Attributes attributes() const;
///     };
///
/// The gradient is the adjoint of gy. Like the gradient of an elementwise rule it is compiled twice, for
/// Arrays and for Variables: unqualified calls find core's function or the op of the same name.
///
/// Several inputs: `Array value(std::span<const Array> xs)`, and `adjoint(gy, i)` is the gradient of input i.
/// Several outputs: `Arrays values(const Array& x)`, and `adjoint(gys)` takes a span in which those without
/// gradient are undefined. A rule with `Array mask` has it retained like an input: released after backward,
/// and a change in place is noticed. `add_adjoint(gys, gx)`, optional, adds to a gradient that exists, where
/// that is less work than making one of its own.
template <class Rule>
class LinearMap final : public Function {
 public:
  static constexpr bool kSeveralInputs = requires(const Rule& rule, std::span<const Array> xs) {
    rule.value(xs);
  };
  static constexpr bool kSeveralOutputs = requires(const Rule& rule, const Array& x) { rule.values(x); };

  explicit LinearMap(Rule rule) : rule_(std::move(rule)) {}

  [[nodiscard]] std::string_view name() const override { return rule_.name; }
  [[nodiscard]] Attributes attributes() const override { return rule_.attributes(); }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    Arrays outputs;
    if constexpr (kSeveralOutputs) {
      outputs = rule_.values(inputs[0]);
    } else if constexpr (kSeveralInputs) {
      outputs.push_back(rule_.value(inputs));
    } else {
      outputs.push_back(rule_.value(inputs[0]));
    }
    if constexpr (kHasMask) retain("mask", std::exchange(rule_.mask, {}));
    return outputs;
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    Variables gxs(inputs().size());
    for (std::size_t i = 0; i < gxs.size(); ++i) {
      if (wanted[i]) gxs[i] = adjoint(rule(), gys, i);
    }
    return gxs;
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }

  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    for (std::size_t i = 0; i < into.size(); ++i) {
      if (!wanted[i]) continue;
      if constexpr (requires(Array & gx) { rule_.add_adjoint(gys, gx); }) {
        if (into[i].accumulates()) {
          rule_.add_adjoint(gys, into[i].buffer());
          continue;
        }
      }
      into[i].give(adjoint(rule(), gys, i));
    }
  }

 private:
  static constexpr bool kHasMask = requires(const Rule& rule) { rule.mask; };

  template <class V>
  static V adjoint(const Rule& rule, std::span<const V> gys, std::size_t i) {
    if constexpr (kSeveralOutputs) {
      return rule.adjoint(gys);
    } else if constexpr (kSeveralInputs) {
      return rule.adjoint(gys[0], i);
    } else {
      return rule.adjoint(gys[0]);
    }
  }

  /// The rule as it was given, in backward.
  [[nodiscard]] Rule rule() const {
    Rule rule = rule_;
    if constexpr (kHasMask) rule.mask = retained("mask");
    return rule;
  }

  Rule rule_;
};

/// The Variable, or for a rule of several outputs the Variables, that the rule makes of `xs`.
template <class Rule>
[[nodiscard]] auto linear_map(std::span<const Variable> xs, Rule rule) {
  Variables ys = std::make_shared<LinearMap<Rule>>(std::move(rule))->apply_to(xs);
  if constexpr (LinearMap<Rule>::kSeveralOutputs) {
    return ys;
  } else {
    return ys[0];
  }
}

template <class Rule>
[[nodiscard]] auto linear_map(const Variable& x, Rule rule) {
  return linear_map(std::span(&x, 1), std::move(rule));
}

}  // namespace detail
}  // namespace fathom::ops

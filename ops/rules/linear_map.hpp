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

/// An op of one input that is linear in it (moving, copying, adding up elements), made from a rule:
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
template <class Rule>
class LinearMap final : public Function {
 public:
  explicit LinearMap(Rule rule) : rule_(std::move(rule)) {}

  [[nodiscard]] std::string_view name() const override { return Rule::name; }
  [[nodiscard]] Attributes attributes() const override { return rule_.attributes(); }
  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override { return {rule_.value(inputs[0])}; }

  [[nodiscard]] Variables backward(const Wanted& /*wanted*/, std::span<const Variable> gys) override {
    return {rule_.adjoint(gys[0])};
  }
  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& /*wanted*/, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    into[0].give(rule_.adjoint(gys[0]));
  }

 private:
  Rule rule_;
};

template <class Rule>
[[nodiscard]] Variable linear_map(const Variable& x, Rule rule) {
  return apply<LinearMap<Rule>>({x}, std::move(rule));
}

}  // namespace detail
}  // namespace fathom::ops

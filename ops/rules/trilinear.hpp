// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fathom/autograd/function.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/rules/fused_activation.hpp>

namespace fathom::ops::detail {

/// The three parts of a convolution: image, kernels, and the map that is its result.
enum class Part : std::uint8_t { x, W, y };

/// What a part is made from, in the order of the inputs.
[[nodiscard]] constexpr std::array<Part, 2> sources(Part made) {
  switch (made) {
    case Part::x:
      return {Part::y, Part::W};
    case Part::W:
      return {Part::x, Part::y};
    case Part::y:
      break;
  }
  return {Part::x, Part::W};
}

/// What becomes of a result before it is written: a bias for each channel, where it is defined, is added,
/// then the activation applied.
struct Epilogue {
  Array b;
  Activation activation = Activation::none;
};

/// A convolution or one of its adjoints. <gy, y(x, W)> is linear in x, W and gy, so that its derivative with
/// respect to each is made from the other two: three nodes, each one's gradients are the other two. A rule
/// says what they are:
///
///     struct Convolution2D {
///       static std::string_view name(Part made);
///       Attributes attributes() const;
///       Shape shape(Part made, std::int64_t n) const;   // n images
///       void make(Part made, const Array& first, const Array& second, const Epilogue& epilogue,
///                 bool accumulates, Array& out) const;
///     };
///
/// `make` overwrites `out` with the part made from its two sources, or adds to it; what accumulates has an
/// empty epilogue. x and y may get a bias: a third input, one value for each of their channels; and an
/// activation. A rule may have besides
///
///       bool makes_biased_weights() const;
///       Array make_biased_weights(const Array& x, const PendingGradient& y, bool accumulates, Array& W)
///       const;
///
/// the gradients of W, and returned that of the bias, in one pass over y's, for where x's is not wanted.
template <class Rule>
class Trilinear final : public Function {
 public:
  Trilinear(Part made, Rule rule, Activation activation = Activation::none)
      : made_(made), rule_(std::move(rule)), activation_(activation) {}

  [[nodiscard]] std::string_view name() const override { return Rule::name(made_); }
  [[nodiscard]] Attributes attributes() const override {
    Attributes result = rule_.attributes();
    if (activation_ != Activation::none) result.emplace_back("activation", to_string(activation_));
    return result;
  }
  /// The same for all three parts: each value of y has as many products as there are kernel values for its
  /// channel.
  [[nodiscard]] std::int64_t multiply_adds(std::span<const Array> inputs,
                                           std::span<const Array>) const override {
    const Shape y = rule_.shape(Part::y, inputs[0].shape()[0]);
    return y[1] == 0 ? 0 : y.size() * (rule_.shape(Part::W, 1).size() / y[1]);
  }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    retain_inputs({0, 1});
    if (activation_ != Activation::none) retain_output(0);
    Array out = Array::empty(rule_.shape(made_, inputs[0].shape()[0]), inputs[0].dtype());
    rule_.make(made_, inputs[0], inputs[1], {inputs.size() > 2 ? inputs[2] : Array{}, activation_}, false,
               out);
    return {out};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override;

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    const Array y = activation_ == Activation::none ? Array{} : output_array(0);
    if constexpr (requires { rule_.makes_biased_weights(); }) {
      if (made_ == Part::y && !wanted[0] && wanted[1] && wanted[2] && rule_.makes_biased_weights()) {
        return into[2].give(rule_.make_biased_weights(input_array(0), {gys[0], activation_, y},
                                                      into[1].accumulates(), into[1].buffer()));
      }
    }
    BiasedGradient biased;
    if (wanted[2]) biased = through_biased_activation(activation_, gys[0], y);
    const Array g = wanted[2] ? biased.g : through_activation(activation_, gys[0], y);
    for (std::size_t i = 0; i < 2; ++i) {
      if (!wanted[i]) continue;
      const Part part = sources(made_)[i];
      const auto [first, second] = sources(part);
      const Array& other = input_array(1 - i);
      const bool accumulates = into[i].accumulates();
      rule_.make(part, first == made_ ? g : other, second == made_ ? g : other, {}, accumulates,
                 into[i].buffer());
    }
    if (wanted[2]) into[2].give(std::move(biased.gb));
  }

 private:
  Part made_;
  Rule rule_;
  Activation activation_;
};

/// The part `made` from its two sources, on checked Variables; b may be undefined.
template <class Rule>
[[nodiscard]] Variable trilinear(Part made, const Rule& rule, const Variable& first, const Variable& second,
                                 const Variable& b = {}, Activation activation = Activation::none) {
  if (!b.defined()) return apply<Trilinear<Rule>>({first, second}, made, rule, activation);
  return apply<Trilinear<Rule>>({first, second, b}, made, rule, activation);
}

template <class Rule>
Variables Trilinear<Rule>::backward(const Wanted& wanted, std::span<const Variable> gys) {
  Variables gradients(inputs().size());
  const Variable g =
      activation_ == Activation::none ? gys[0] : through_activation(activation_, gys[0], output(0));
  for (std::size_t i = 0; i < 2; ++i) {
    if (!wanted[i]) continue;
    const Part part = sources(made_)[i];
    const auto [first, second] = sources(part);
    const Variable other = input(1 - i);
    gradients[i] = trilinear(part, rule_, first == made_ ? g : other, second == made_ ? g : other);
  }
  if (wanted[2]) gradients[2] = sum(g, {.axis = Axes{0, 2, 3}});
  return gradients;
}

}  // namespace fathom::ops::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fathom/autograd/function.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/reduction.hpp>

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

/// A convolution or one of its adjoints. <gy, y(x, W)> is linear in x, W and gy, so that its derivative with
/// respect to each is made from the other two: three nodes, each one's gradients are the other two. A rule
/// says what they are:
///
///     struct Convolution2D {
///       static std::string_view name(Part made);
///       Attributes attributes() const;
///       Shape shape(Part made, std::int64_t n) const;   // n images
///       void make(Part made, const Array& first, const Array& second, const Array& b, bool accumulates,
///                 Array& out) const;
///     };
///
/// `make` overwrites `out` with the part made from its two sources, or adds to it. x and y may get a bias: a
/// third input, one value for each of their channels.
template <class Rule>
class Trilinear final : public Function {
 public:
  Trilinear(Part made, Rule rule) : made_(made), rule_(std::move(rule)) {}

  [[nodiscard]] std::string_view name() const override { return Rule::name(made_); }
  [[nodiscard]] Attributes attributes() const override { return rule_.attributes(); }
  /// The same for all three parts: each value of y has as many products as there are kernel values for its
  /// channel.
  [[nodiscard]] std::int64_t multiply_adds(std::span<const Array> inputs,
                                           std::span<const Array>) const override {
    const Shape y = rule_.shape(Part::y, inputs[0].shape()[0]);
    return y[1] == 0 ? 0 : y.size() * (rule_.shape(Part::W, 1).size() / y[1]);
  }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    retain_inputs({0, 1});
    Array out = Array::empty(rule_.shape(made_, inputs[0].shape()[0]), inputs[0].dtype());
    rule_.make(made_, inputs[0], inputs[1], inputs.size() > 2 ? inputs[2] : Array{}, false, out);
    return {out};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override;

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    for (std::size_t i = 0; i < 2; ++i) {
      if (!wanted[i]) continue;
      const Part part = sources(made_)[i];
      const auto [first, second] = sources(part);
      const Array& other = input_array(1 - i);
      const bool accumulates = into[i].accumulates();
      rule_.make(part, first == made_ ? gys[0] : other, second == made_ ? gys[0] : other, {}, accumulates,
                 into[i].buffer());
    }
    if (wanted[2]) into[2].give(fathom::sum(gys[0], Axes{0, 2, 3}));
  }

 private:
  Part made_;
  Rule rule_;
};

/// The part `made` from its two sources, on checked Variables; b may be undefined.
template <class Rule>
[[nodiscard]] Variable trilinear(Part made, const Rule& rule, const Variable& first, const Variable& second,
                                 const Variable& b = {}) {
  if (!b.defined()) return apply<Trilinear<Rule>>({first, second}, made, rule);
  return apply<Trilinear<Rule>>({first, second, b}, made, rule);
}

template <class Rule>
Variables Trilinear<Rule>::backward(const Wanted& wanted, std::span<const Variable> gys) {
  Variables gradients(inputs().size());
  for (std::size_t i = 0; i < 2; ++i) {
    if (!wanted[i]) continue;
    const Part part = sources(made_)[i];
    const auto [first, second] = sources(part);
    const Variable other = input(1 - i);
    gradients[i] = trilinear(part, rule_, first == made_ ? gys[0] : other, second == made_ ? gys[0] : other);
  }
  if (wanted[2]) gradients[2] = sum(gys[0], {.axis = Axes{0, 2, 3}});
  return gradients;
}

}  // namespace fathom::ops::detail

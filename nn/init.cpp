// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/init.hpp>

#include <fmt/format.h>

#include <cmath>

#include <fathom/core/error.hpp>
#include <fathom/nn/init/orthogonal.hpp>

namespace fathom::nn {

Fans chainer_fans(const Shape& shape) {
  if (shape.rank() < 2) {
    throw ShapeError(
        fmt::format("chainer_fans: a weight has two axes or more (its shape is {})\n  hint: a bias has no "
                    "fans; use a constant for it",
                    to_string(shape)));
  }
  std::int64_t kernel = 1;
  for (std::size_t axis = 2; axis < shape.rank(); ++axis) kernel *= shape[axis];
  return {.in = shape[1] * kernel, .out = shape[0] * kernel};
}

double Initializer::scale(const Shape& shape, const Fans& given) const {
  if (scaling_ == Scaling::none) return factor_;
  const Fans fans = fans_of_ == nullptr ? given : fans_of_(shape);
  if (fans.in < 1 || fans.out < 1) {
    throw ValueError(
        fmt::format("Initializer: fans must be positive (in is {}, out is {}, the weight's shape {})\n  "
                    "hint: look at the sizes that the layer was made with",
                    fans.in, fans.out, to_string(shape)));
  }
  const auto in = static_cast<double>(fans.in);
  const auto out = static_cast<double>(fans.out);
  switch (scaling_) {
    case Scaling::fan_in:
      return factor_ / std::sqrt(in);
    case Scaling::fan_out:
      return factor_ / std::sqrt(out);
    default:
      return factor_ / std::sqrt((in + out) / 2);
  }
}

Array Initializer::operator()(RandomKey key, const Shape& shape, const Fans& fans, DType dtype) const {
  const double value = scale(shape, fans);
  switch (distribution_) {
    case Distribution::normal:
      return normal(key, shape, 0, value, dtype);
    case Distribution::uniform:
      return uniform(key, shape, -value, value, dtype);
    case Distribution::orthogonal:
      return detail::orthogonal(key, shape, value, dtype);
    case Distribution::constant:
      break;
  }
  return Array::full(shape, value, dtype);
}

namespace init {

namespace {
using Distribution = Initializer::Distribution;
using enum Initializer::Scaling;
}  // namespace

Initializer lecun_normal(double scale) { return {Distribution::normal, scale, fan_in}; }
Initializer lecun_uniform(double scale) { return {Distribution::uniform, scale * std::sqrt(3.0), fan_in}; }
Initializer he_normal(double scale) { return {Distribution::normal, scale * std::sqrt(2.0), fan_in}; }
Initializer he_uniform(double scale) { return {Distribution::uniform, scale * std::sqrt(6.0), fan_in}; }
Initializer glorot_normal(double scale) { return {Distribution::normal, scale, fan_average}; }
Initializer glorot_uniform(double scale) {
  return {Distribution::uniform, scale * std::sqrt(3.0), fan_average};
}

}  // namespace init

}  // namespace fathom::nn

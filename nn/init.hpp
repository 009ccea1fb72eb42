// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/random.hpp>

namespace fathom::nn {

/// How many inputs one output of a layer adds up, and how many outputs one input reaches (borders and stride
/// aside).
struct Fans {
  std::int64_t in = 1;
  std::int64_t out = 1;
  friend bool operator==(Fans, Fans) = default;
};

/// The fans that Chainer reads off a weight's shape: in = shape[1] * shape[2] * ..., out = shape[0] *
/// shape[2] * .... For a depthwise weight (cM, cI, kH, kW) the fan in is cI times too large: an output adds
/// up kH * kW products only. Layers use the true ones. Throws ShapeError for less
/// than two axes.
[[nodiscard]] FATHOM_EXPORT Fans chainer_fans(const Shape& shape);

/// How a parameter gets its first values. A small value, made by the functions of nn::init, that options
/// hold.
class FATHOM_EXPORT Initializer {
 public:
  enum class Distribution : std::uint8_t { constant, normal, uniform, orthogonal };
  enum class Scaling : std::uint8_t { none, fan_in, fan_out, fan_average };

  constexpr Initializer(Distribution distribution, double factor, Scaling scaling = Scaling::none)
      : factor_(factor), distribution_(distribution), scaling_(scaling) {}

  /// The values; they depend on `key` and the shape alone (an orthogonal one's) or each on `key` and its
  /// index (all others). float32 or float64 (DTypeError).
  [[nodiscard]] Array operator()(RandomKey key, const Shape& shape, const Fans& fans, DType dtype) const;

  /// The constant, the standard deviation of the normal, the bound of the uniform distribution or the length
  /// of orthogonal rows for a weight of `shape`. Throws ValueError when fans that are needed are not
  /// positive.
  [[nodiscard]] double scale(const Shape& shape, const Fans& fans) const;

  /// The same with fans read off the shape, whatever the layer says:
  /// `init::he_normal().with_fans(chainer_fans)`.
  [[nodiscard]] constexpr Initializer with_fans(Fans (*fans_of)(const Shape&)) const {
    Initializer changed = *this;
    changed.fans_of_ = fans_of;
    return changed;
  }

  /// The same with the other fan: `init::he_normal().by_fan_out()` keeps the deviation of gradients on their
  /// way back instead of that of outputs. Rules with both fans or none stay as they are.
  [[nodiscard]] constexpr Initializer by_fan_out() const {
    Initializer changed = *this;
    if (scaling_ == Scaling::fan_in) changed.scaling_ = Scaling::fan_out;
    return changed;
  }

 private:
  double factor_;
  Fans (*fans_of_)(const Shape&) = nullptr;
  Distribution distribution_;
  Scaling scaling_;
};

/// Formulas with in and out for the fans. `uniform` ones draw from [-bound, bound).
namespace init {

[[nodiscard]] constexpr Initializer constant(double value) {
  return {Initializer::Distribution::constant, value};
}
[[nodiscard]] constexpr Initializer normal(double deviation) {
  return {Initializer::Distribution::normal, deviation};
}
[[nodiscard]] constexpr Initializer uniform(double bound) {
  return {Initializer::Distribution::uniform, bound};
}
/// W taken as a matrix of shape[0] rows: W W^T = scale^2 I, or W^T W = scale^2 I where there are more rows
/// than columns. Drawn evenly among all such matrices, in double, the same for any number of threads. Chainer
/// scales by 1.1 unless told. Not for depthwise weights, whose outputs add up one channel each: their rows
/// would share a length among all channels. Throws ShapeError for less than two axes.
/// Source: A. Saxe, J. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
/// linear neural networks, 2013.
[[nodiscard]] constexpr Initializer orthogonal(double scale = 1) {
  return {Initializer::Distribution::orthogonal, scale};
}
/// deviation = scale / sqrt(in): outputs vary as much as inputs. The default of all layers.
/// Source: Y. LeCun et al., Efficient BackProp, 1998.
[[nodiscard]] FATHOM_EXPORT Initializer lecun_normal(double scale = 1);
/// bound = scale * sqrt(3 / in): the same deviation.
[[nodiscard]] FATHOM_EXPORT Initializer lecun_uniform(double scale = 1);
/// deviation = scale * sqrt(2 / in), for inputs that come from a ReLU. Source: K. He et al., Delving Deep
/// into Rectifiers, 2015.
[[nodiscard]] FATHOM_EXPORT Initializer he_normal(double scale = 1);
/// bound = scale * sqrt(6 / in)
[[nodiscard]] FATHOM_EXPORT Initializer he_uniform(double scale = 1);
/// deviation = scale * sqrt(2 / (in + out)). Source: X. Glorot and Y. Bengio, Understanding the difficulty of
/// training deep feedforward neural networks, 2010.
[[nodiscard]] FATHOM_EXPORT Initializer glorot_normal(double scale = 1);
/// bound = scale * sqrt(6 / (in + out))
[[nodiscard]] FATHOM_EXPORT Initializer glorot_uniform(double scale = 1);

}  // namespace init

}  // namespace fathom::nn

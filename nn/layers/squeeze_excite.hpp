// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>

#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/module.hpp>
#include <fathom/ops/activation.hpp>

namespace fathom::nn {

/// MobileNetV3 gates with `[](const Variable& x) { return ops::hard_sigmoid(x, 1.0 / 6); }`, EfficientNet
/// activates with swish and reduces to a quarter of the channels that its block begins with.
struct SqueezeExciteOptions {
  std::int64_t reduced = 0;  ///< channels between the two layers; must be given
  std::function<Variable(const Variable&)> activation = ops::relu;  ///< after the first layer
  std::function<Variable(const Variable&)> gate = ops::sigmoid;     ///< after the second
  Initializer initial_W = init::lecun_normal();
};

/// Squeeze-and-excitation: each channel of x (n, channels, h, w) is multiplied by a gate that the means of
/// all channels decide,
///
///     y = x * gate(expand(activation(reduce(mean of x over h and w))))
///
/// where reduce and expand are 1x1 convolutions with bias. Source: J. Hu, L. Shen and G. Sun,
/// Squeeze-and-Excitation Networks, 2018.
class FATHOM_EXPORT SqueezeExcite : public Module {
 public:
  Conv2D reduce;  ///< channels to reduced
  Conv2D expand;  ///< reduced to channels
  FATHOM_MODULE(reduce, expand)

  /// Throws ValueError for fewer than one channel.
  SqueezeExcite(std::int64_t channels, const SqueezeExciteOptions& options, Random& random);
  [[nodiscard]] const SqueezeExciteOptions& options() const { return options_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  SqueezeExciteOptions options_;
};

}  // namespace fathom::nn

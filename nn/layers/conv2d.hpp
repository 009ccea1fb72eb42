// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/activation.hpp>
#include <fathom/nn/init.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

class BatchNorm2D;

struct Conv2DOptions {
  Pair2 kernel = 0;  ///< must be given
  Pair2 stride = 1;
  Pad pad = 0;  ///< zeros around x, on both sides or `Pad::same`
  Pair2 dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  Activation activation = Activation::none;  ///< of the result
  Initializer initial_W =
      init::lecun_normal();  ///< fans: in = cI/groups * kH * kW, out = cO/groups * kH * kW
  Initializer initial_b = init::constant(0);
};

/// Two-dimensional convolution with its weight, ops::convolution_2d: x (n, in_channels, h, w),
/// y (n, out_channels, hO, wO). Left out, in_channels is that of the first x: W and b get then the values
/// that they would have got at once.
class FATHOM_EXPORT Conv2D : public Module {
 public:
  Parameter W;  ///< (out_channels, in_channels / groups, kH, kW)
  Parameter b;  ///< (out_channels), or absent
  FATHOM_MODULE(W, b)

  /// Throws ValueError for numbers that make no convolution.
  Conv2D(std::int64_t in_channels, std::int64_t out_channels, const Conv2DOptions& options, Random& random);
  Conv2D(std::int64_t out_channels, const Conv2DOptions& options, Random& random);
  [[nodiscard]] const Conv2DOptions& options() const { return options_; }

  /// Takes a batch normalization that follows, with its activation, into W and b: from now on the layer
  /// computes what both did in evaluation, and cannot train. Returns false, and changes nothing, unless the
  /// two have the same channels and type and this layer has no activation. Throws GraphError for a parameter
  /// without data. `nn::fold_batch_norm` calls it.
  [[nodiscard]] bool fold(const BatchNorm2D& bn);

  using Module::operator();
  /// y = activation(convolution + residual), the residual being of the result's shape.
  Variable operator()(const Variable& x, const Variable& residual);

 protected:
  Variable forward(const Variable& x) override;

 private:
  Variable run(const Variable& x, const Variable& residual);
  void initialize(std::int64_t in_channels);

  Conv2DOptions options_;
  std::int64_t out_channels_;
  RandomKey key_W_, key_b_;
  bool is_folded_ = false;
};

}  // namespace fathom::nn

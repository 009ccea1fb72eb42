// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/init.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

struct DepthwiseConv2DOptions {
  std::int64_t multiplier = 1;  ///< outputs for each input channel
  Pair2 kernel = 0;             ///< must be given
  Pair2 stride = 1;
  Pad pad = 0;  ///< zeros around x, on both sides or `Pad::same`
  Pair2 dilation = 1;
  bool bias = true;
  Initializer initial_W = init::lecun_normal();  ///< fans: in = kH * kW, out = multiplier * kH * kW
  Initializer initial_b = init::constant(0);
};

/// Two-dimensional depthwise convolution with its weight, ops::depthwise_convolution_2d: x (n, channels, h,
/// w), y (n, channels * multiplier, hO, wO). Left out, channels is that of the first x: W and b get then the
/// values that they would have got at once.
class FATHOM_EXPORT DepthwiseConv2D : public Module {
 public:
  Parameter W;  ///< (multiplier, channels, kH, kW)
  Parameter b;  ///< (channels * multiplier), or absent
  FATHOM_MODULE(W, b)

  /// Throws ValueError for numbers that make no convolution.
  DepthwiseConv2D(std::int64_t channels, const DepthwiseConv2DOptions& options, Random& random);
  DepthwiseConv2D(const DepthwiseConv2DOptions& options, Random& random);
  [[nodiscard]] const DepthwiseConv2DOptions& options() const { return options_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  void initialize(std::int64_t channels);

  DepthwiseConv2DOptions options_;
  RandomKey key_W_, key_b_;
};

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/init.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

struct Conv2DOptions {
  Pair2 kernel = 0;  ///< must be given
  Pair2 stride = 1;
  Pad pad = 0;  ///< zeros around x, on both sides or `Pad::same`
  Pair2 dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
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

 protected:
  Variable forward(const Variable& x) override;

 private:
  void initialize(std::int64_t in_channels);

  Conv2DOptions options_;
  std::int64_t out_channels_;
  RandomKey key_W_, key_b_;
};

}  // namespace fathom::nn

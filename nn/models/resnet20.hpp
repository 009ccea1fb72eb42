// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/sequential.hpp>

namespace fathom::nn {

/// Two convolutions of 3 x 3 with batch normalization, y = relu(second(first(x)) + shortcut): x (n,
/// in_channels, h, w), y (n, out_channels, ceil(h / stride), ceil(w / stride)). The shortcut has no
/// parameters: it is x, every stride-th pixel of it, with channels of zeros behind.
class FATHOM_EXPORT BasicBlock final : public Module {
 public:
  ConvBatchNorm first, second;
  FATHOM_MODULE(first, second)

  /// Throws ValueError for fewer than one channel, fewer out than in, and a stride below 1.
  BasicBlock(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride, Random& random);

 protected:
  Variable forward(const Variable& x) override;

 private:
  std::int64_t more_channels_;
  std::int64_t stride_;
};

struct ResNet20Options {
  std::int64_t in_channels = 3;
  std::int64_t classes = 10;
  double width = 1;  ///< all channels are multiplied by it and rounded to a multiple of 8
};

/// A convolution of 3 x 3 and nine blocks of two, with 16, 32 and 64 channels, the mean of each channel, and
/// a linear layer: x (n, in_channels, h, w) of about 32 x 32, y (n, classes), the logits. 269 722 parameters
/// and 41 million multiply-adds for an image of 32 x 32 with the default options. For comparison with
/// MobileNets. Source: K. He et al., Deep Residual Learning for Image Recognition, 2016, section 4.2,
/// shortcuts of type A.
class FATHOM_EXPORT ResNet20 final : public Module {
 public:
  Sequential features;
  Linear classify;
  FATHOM_MODULE(features, classify)

  /// Throws ValueError for a width that is not positive, in_channels or classes below 1.
  ResNet20(const ResNet20Options& options, Random& random);

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn

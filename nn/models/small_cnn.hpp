// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/sequential.hpp>

namespace fathom::nn {

struct SmallCNNOptions {
  std::int64_t in_channels = 1;
  std::int64_t classes = 10;
};

/// For images of about 28 x 28: a convolution of 3 x 3 to 32 channels, depthwise separable ones to 64 and
/// 128, a max pooling of 2 x 2 between them, the mean of each channel, and a linear layer:
/// x (n, in_channels, h, w), y (n, classes), the logits. Each convolution has a bias; the first ends
/// in ReLU, the separable ones in batch normalization and ReLU. 13 386 parameters with the default options.
class FATHOM_EXPORT SmallCNN final : public Module {
 public:
  Sequential features;
  Linear classify;
  FATHOM_MODULE(features, classify)

  /// Throws ValueError for in_channels or classes below 1.
  SmallCNN(const SmallCNNOptions& options, Random& random);

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn

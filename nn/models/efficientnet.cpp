// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/models/efficientnet.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/check.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/layers/inverted_residual.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/models/channels.hpp>
#include <fathom/ops/pooling_2d.hpp>

namespace fathom::nn {

namespace {

using detail::scaled_channels;

constexpr double kEps = 1e-5;
constexpr std::int64_t kStemChannels = 32;
constexpr std::int64_t kLastChannels = 1280;

struct Stage {
  std::int64_t expansion;
  std::int64_t kernel;
  std::int64_t stride;    // of the first block
  std::int64_t channels;  // at width 1
  std::int64_t blocks;
};
constexpr Stage kStages[] = {{1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3},
                             {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1}};
constexpr std::int64_t kBlocks = 16;

Variable swish(const Variable& x) { return ops::swish(x); }

ConvBatchNormOptions convolution(std::int64_t kernel, std::int64_t stride) {
  return {.kernel = kernel, .stride = stride, .pad = kernel / 2, .eps = kEps};
}

Sequential make_features(const EfficientNetB0Options& options, Random& random) {
  detail::check_model("EfficientNetB0", options.width, options.in_channels, options.classes);
  ArgumentCheck check{"EfficientNetB0"};
  FATHOM_CHECK(check.hint("0 drops nothing, the paper has 0.2"), options.drop >= 0 && options.drop < 1,
               ValueError, "drop must be at least 0 and below 1 (it is {})", options.drop);
  constexpr std::int64_t kReduction = 4;
  Sequential features;
  std::int64_t channels = scaled_channels(kStemChannels, options.width);
  features.append(
      ConvBatchNorm{options.in_channels, channels, convolution(3, options.small_images ? 1 : 2), random});
  features.append(SiLU{});
  std::int64_t index = 0;
  for (const Stage& stage : kStages) {
    const std::int64_t out = scaled_channels(stage.channels, options.width);
    // The second stage is the first to halve after the convolution.
    const std::int64_t stride = options.small_images && &stage == kStages + 1 ? 1 : stage.stride;
    for (std::int64_t block = 0; block < stage.blocks; ++block, ++index) {
      features.append(InvertedResidual{
          channels,
          out,
          {.expanded = scaled_channels(channels * stage.expansion, 1),
           .kernel = stage.kernel,
           .stride = block == 0 ? stride : 1,
           .function = swish,
           .squeeze = SqueezeExciteOptions{.reduced = std::max<std::int64_t>(1, channels / kReduction),
                                           .activation = swish},
           .drop = options.drop * static_cast<double>(index) / kBlocks,
           .eps = kEps},
          random});
      channels = out;
    }
  }
  features.append(
      ConvBatchNorm{channels, scaled_channels(kLastChannels, options.width), convolution(1, 1), random});
  features.append(SiLU{});
  return features;
}

}  // namespace

EfficientNetB0::EfficientNetB0(const EfficientNetB0Options& options, Random& random)
    : features(make_features(options, random)),
      classify(Dropout{options.dropout, random},
               Linear{scaled_channels(kLastChannels, options.width), options.classes, {}, random}) {}

Variable EfficientNetB0::forward(const Variable& x) {
  return classify(ops::global_average_pooling_2d(features(x)));
}

}  // namespace fathom::nn

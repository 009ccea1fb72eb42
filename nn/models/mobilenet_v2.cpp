// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/models/mobilenet_v2.hpp>

#include <algorithm>

#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/inverted_residual.hpp>
#include <fathom/nn/models/channels.hpp>
#include <fathom/ops/pooling_2d.hpp>

namespace fathom::nn {

namespace {

constexpr double kEps = 1e-5;
constexpr std::int64_t kLastChannels = 1280;

struct Stage {
  std::int64_t expansion;
  std::int64_t channels;  // at width 1
  std::int64_t blocks;
  std::int64_t stride;  // of the first block
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

using detail::scaled_channels;

ConvBatchNormOptions convolution(std::int64_t kernel, std::int64_t stride) {
  return {
      .kernel = kernel, .stride = stride, .pad = kernel / 2, .activation = Activation::relu6, .eps = kEps};
}

Sequential make_features(const MobileNetV2Options& options, Random& random) {
  detail::check_model("MobileNetV2", options.width, options.in_channels, options.classes);
  Sequential features;
  std::int64_t channels = scaled_channels(32, options.width);
  features.append(
      ConvBatchNorm{options.in_channels, channels, convolution(3, options.small_images ? 1 : 2), random});
  for (const Stage& stage : kStages) {
    const std::int64_t out = scaled_channels(stage.channels, options.width);
    // The second stage is the first to halve after the convolution.
    const bool keeps_size = options.small_images && &stage == kStages + 1;
    for (std::int64_t block = 0; block < stage.blocks; ++block) {
      features.append(InvertedResidual{channels,
                                       out,
                                       {.expanded = channels * stage.expansion,
                                        .stride = block == 0 && !keeps_size ? stage.stride : 1,
                                        .eps = kEps},
                                       random});
      channels = out;
    }
  }
  features.append(ConvBatchNorm{channels, scaled_channels(kLastChannels, std::max(1.0, options.width)),
                                convolution(1, 1), random});
  return features;
}

}  // namespace

MobileNetV2::MobileNetV2(const MobileNetV2Options& options, Random& random)
    : features(make_features(options, random)),
      classify(scaled_channels(kLastChannels, std::max(1.0, options.width)), options.classes, {}, random) {}

Variable MobileNetV2::forward(const Variable& x) {
  return classify(ops::global_average_pooling_2d(features(x)));
}

}  // namespace fathom::nn

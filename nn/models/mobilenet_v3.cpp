// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/models/mobilenet_v3.hpp>

#include <span>

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

constexpr double kEps = 1e-3;
constexpr double kDecay = 0.99;
constexpr std::int64_t kStemChannels = 16;

/// One inverted residual; channels at width 1.
struct Block {
  std::int64_t kernel;
  std::int64_t expanded;
  std::int64_t channels;
  bool squeezes;
  bool hard_swish;  // else ReLU
  std::int64_t stride;
};

constexpr Block kLarge[] = {
    {3, 16, 16, false, false, 1}, {3, 64, 24, false, false, 2}, {3, 72, 24, false, false, 1},
    {5, 72, 40, true, false, 2},  {5, 120, 40, true, false, 1}, {5, 120, 40, true, false, 1},
    {3, 240, 80, false, true, 2}, {3, 200, 80, false, true, 1}, {3, 184, 80, false, true, 1},
    {3, 184, 80, false, true, 1}, {3, 480, 112, true, true, 1}, {3, 672, 112, true, true, 1},
    {5, 672, 160, true, true, 2}, {5, 960, 160, true, true, 1}, {5, 960, 160, true, true, 1}};
constexpr Block kSmall[] = {
    {3, 16, 16, true, false, 2}, {3, 72, 24, false, false, 2}, {3, 88, 24, false, false, 1},
    {5, 96, 40, true, true, 2},  {5, 240, 40, true, true, 1},  {5, 240, 40, true, true, 1},
    {5, 120, 48, true, true, 1}, {5, 144, 48, true, true, 1},  {5, 288, 96, true, true, 2},
    {5, 576, 96, true, true, 1}, {5, 576, 96, true, true, 1}};

std::span<const Block> blocks_of(MobileNetV3Size size) {
  return size == MobileNetV3Size::large ? std::span<const Block>(kLarge) : std::span<const Block>(kSmall);
}

ConvBatchNormOptions convolution(std::int64_t kernel, std::int64_t stride) {
  return {.kernel = kernel, .stride = stride, .pad = kernel / 2, .eps = kEps, .decay = kDecay};
}

InvertedResidualOptions block_options(const Block& block, std::int64_t stride, double width) {
  constexpr std::int64_t kReduction = 4;
  const std::int64_t expanded = scaled_channels(block.expanded, width);
  InvertedResidualOptions options{.expanded = expanded,
                                  .kernel = block.kernel,
                                  .stride = stride,
                                  .activation = Activation::relu,
                                  .eps = kEps,
                                  .decay = kDecay};
  if (block.hard_swish) options.function = ops::hard_swish;
  if (block.squeezes) {
    options.squeeze =
        SqueezeExciteOptions{.reduced = scaled_channels(expanded / kReduction, 1),
                             .gate = [](const Variable& x) { return ops::hard_sigmoid(x, 1.0 / 6); }};
  }
  return options;
}

/// Channels between the last inverted residual and the mean.
std::int64_t last_channels(const MobileNetV3Options& options) {
  return 6 * scaled_channels(blocks_of(options.size).back().channels, options.width);
}

Sequential make_features(const MobileNetV3Options& options, Random& random) {
  detail::check_model("MobileNetV3", options.width, options.in_channels, options.classes);
  Sequential features;
  std::int64_t channels = scaled_channels(kStemChannels, options.width);
  features.append(
      ConvBatchNorm{options.in_channels, channels, convolution(3, options.small_images ? 1 : 2), random});
  features.append(HardSwish{});
  bool keeps_size = options.small_images;
  for (const Block& block : blocks_of(options.size)) {
    const std::int64_t out = scaled_channels(block.channels, options.width);
    const std::int64_t stride = keeps_size ? 1 : block.stride;
    if (block.stride > 1) keeps_size = false;  // only the first block that halves does not
    features.append(InvertedResidual{channels, out, block_options(block, stride, options.width), random});
    channels = out;
  }
  features.append(ConvBatchNorm{channels, last_channels(options), convolution(1, 1), random});
  features.append(HardSwish{});
  return features;
}

Sequential make_classify(const MobileNetV3Options& options, Random& random) {
  const std::int64_t hidden =
      scaled_channels(options.size == MobileNetV3Size::large ? 1280 : 1024, options.width);
  return Sequential{Linear{last_channels(options), hidden, {}, random}, HardSwish{},
                    Dropout{options.dropout, random}, Linear{hidden, options.classes, {}, random}};
}

}  // namespace

MobileNetV3::MobileNetV3(const MobileNetV3Options& options, Random& random)
    : features(make_features(options, random)), classify(make_classify(options, random)) {}

Variable MobileNetV3::forward(const Variable& x) {
  return classify(ops::global_average_pooling_2d(features(x)));
}

}  // namespace fathom::nn

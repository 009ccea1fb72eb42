// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/models/mobilenet_v1.hpp>

#include <algorithm>

#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/depthwise_separable.hpp>
#include <fathom/nn/models/channels.hpp>
#include <fathom/ops/pooling_2d.hpp>

namespace fathom::nn {

namespace {

constexpr double kEps = 1e-5;

struct Stage {
  std::int64_t channels;  // at width 1
  std::int64_t stride;
};
constexpr Stage kStages[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                             {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};

std::int64_t scaled(std::int64_t channels, double width) {
  return std::max<std::int64_t>(8, static_cast<std::int64_t>(static_cast<double>(channels) * width));
}

Sequential make_features(const MobileNetV1Options& options, Random& random) {
  detail::check_model("MobileNetV1", options.width, options.in_channels, options.classes);
  Sequential features;
  std::int64_t channels = scaled(32, options.width);
  features.append(ConvBatchNorm{options.in_channels,
                                channels,
                                {.kernel = 3,
                                 .stride = options.small_images ? 1 : 2,
                                 .pad = 1,
                                 .activation = Activation::relu,
                                 .eps = kEps},
                                random});
  for (const Stage& stage : kStages) {
    const std::int64_t out = scaled(stage.channels, options.width);
    features.append(DepthwiseSeparable{channels, out, {.stride = stage.stride, .eps = kEps}, random});
    channels = out;
  }
  return features;
}

}  // namespace

MobileNetV1::MobileNetV1(const MobileNetV1Options& options, Random& random)
    : features(make_features(options, random)),
      classify(scaled(kStages[std::size(kStages) - 1].channels, options.width), options.classes, {}, random) {
}

Variable MobileNetV1::forward(const Variable& x) {
  return classify(ops::global_average_pooling_2d(features(x)));
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/models/resnet20.hpp>

#include <fathom/core/check.hpp>
#include <fathom/nn/models/channels.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/pooling_2d.hpp>

namespace fathom::nn {

namespace {

using detail::scaled_channels;

constexpr std::int64_t kStages[] = {16, 32, 64};  // channels at width 1
constexpr int kBlocks = 3;

ConvBatchNormOptions convolution(std::int64_t stride) {
  return {.kernel = 3, .stride = stride, .pad = 1, .activation = Activation::relu, .eps = 1e-5};
}

/// Refused here, so that the error speaks of this block and not of its convolutions.
std::int64_t checked_channels(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride) {
  ArgumentCheck check{"BasicBlock"};
  check.at_least("in_channels", in_channels, 1, "it is the size of axis 1 of x");
  check.at_least("out_channels", out_channels, in_channels,
                 "the shortcut can add channels, not take any away");
  check.at_least("stride", stride, 1, "2 halves the size");
  return in_channels;
}

Sequential make_features(const ResNet20Options& options, Random& random) {
  detail::check_model("ResNet20", options.width, options.in_channels, options.classes);
  Sequential features;
  std::int64_t channels = scaled_channels(kStages[0], options.width);
  features.append(ConvBatchNorm{options.in_channels, channels, convolution(1), random});
  for (const std::int64_t& stage : kStages) {
    const std::int64_t out = scaled_channels(stage, options.width);
    for (int block = 0; block < kBlocks; ++block) {
      features.append(BasicBlock{channels, out, &stage != kStages && block == 0 ? 2 : 1, random});
      channels = out;
    }
  }
  return features;
}

}  // namespace

BasicBlock::BasicBlock(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride,
                       Random& random)
    : first(checked_channels(in_channels, out_channels, stride), out_channels, convolution(stride), random),
      second(out_channels, out_channels, convolution(1), random),
      more_channels_(out_channels - in_channels),
      stride_(stride) {}

Variable BasicBlock::forward(const Variable& x) {
  Variable shortcut = x;
  if (stride_ > 1) {
    shortcut = ops::get_item(shortcut, {ellipsis, Slice{.step = stride_}, Slice{.step = stride_}});
  }
  if (more_channels_ > 0) shortcut = ops::pad(shortcut, {{0, 0}, {0, more_channels_}, {0, 0}, {0, 0}});
  return second(first(x), shortcut);
}

ResNet20::ResNet20(const ResNet20Options& options, Random& random)
    : features(make_features(options, random)),
      classify(scaled_channels(kStages[2], options.width), options.classes, {}, random) {}

Variable ResNet20::forward(const Variable& x) {
  return classify(ops::global_average_pooling_2d(features(x)));
}

}  // namespace fathom::nn

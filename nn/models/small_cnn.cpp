// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/models/small_cnn.hpp>

#include <fathom/core/check.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/pooling2d.hpp>
#include <fathom/ops/pooling_2d.hpp>

namespace fathom::nn {

namespace {

Sequential make_features(const SmallCNNOptions& options, Random& random) {
  ArgumentCheck check{"SmallCNN"};
  check.at_least("in_channels", options.in_channels, 1, "it is the size of axis 1 of x");
  check.at_least("classes", options.classes, 1, "it is the number of outputs for an image");
  const MaxPool2D halve{{.kernel = 2, .cover_all = false}};
  Sequential features{
      Conv2D{options.in_channels,
             32,
             {.kernel = 3, .pad = 1, .activation = Activation::relu, .initial_W = init::he_normal()},
             random}};
  for (const std::int64_t channels : {32, 64}) {
    features.append(halve);
    features.append(DepthwiseConv2D{channels, {.kernel = 3, .pad = 1}, random});
    features.append(Conv2D{channels, 2 * channels, {.kernel = 1, .initial_W = init::he_normal()}, random});
    features.append(BatchNorm2D{2 * channels, {.eps = 1e-5, .activation = Activation::relu}});
  }
  return features;
}

}  // namespace

SmallCNN::SmallCNN(const SmallCNNOptions& options, Random& random)
    : features(make_features(options, random)), classify(128, options.classes, {}, random) {}

Variable SmallCNN::forward(const Variable& x) {
  return classify(ops::global_average_pooling_2d(features(x)));
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/core/error.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/layers/pooling2d.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/pooling_2d.hpp>

using namespace fathom;

namespace {

std::vector<std::string> names(const nn::Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, value] : module.named_parameters()) result.push_back(name);
  for (const auto& [name, value] : module.named_buffers()) result.push_back(name);
  return result;
}

Variable images(const Shape& shape) {
  return Variable{normal(RandomKey{7, 7}, shape, 0.5, 2, DType::float32)};
}

}  // namespace

TEST_CASE("a convolution passes all its options on", "[layers]") {
  Random random{1};
  const Variable x = images({2, 6, 11, 9});
  SECTION("convolution") {
    nn::Conv2D layer{
        6, 4, {.kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 2}, .dilation = {1, 3}, .groups = 2}, random};
    CHECK(layer.W.shape() == Shape{4, 3, 3, 2});
    CHECK(layer.b.shape() == Shape{4});
    const Variable y = ops::convolution_2d(
        x, layer.W, layer.b, {.stride = {2, 1}, .pad = {1, 2}, .dilation = {1, 3}, .groups = 2});
    CHECK(identical(layer(x).data(), y.data()));
    CHECK(names(layer) == std::vector<std::string>{"W", "b"});
  }
  SECTION("depthwise") {
    nn::DepthwiseConv2D layer{
        6, {.multiplier = 2, .kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 2}, .dilation = {1, 3}}, random};
    CHECK(layer.W.shape() == Shape{2, 6, 3, 2});
    CHECK(layer.b.shape() == Shape{12});
    const Variable y = ops::depthwise_convolution_2d(x, layer.W, layer.b,
                                                     {.stride = {2, 1}, .pad = {1, 2}, .dilation = {1, 3}});
    CHECK(identical(layer(x).data(), y.data()));
  }
}

TEST_CASE("convolutions take Pad::same", "[layers][same_padding]") {
  Random random{1};
  const Variable x = images({2, 6, 11, 8});
  nn::Conv2D conv{6, 4, {.kernel = {3, 2}, .stride = 2, .pad = Pad::same}, random};
  CHECK(identical(conv(x).data(),
                  ops::convolution_2d(x, conv.W, conv.b, {.stride = 2, .pad = Pad::same}).data()));
  CHECK(conv(x).shape() == Shape{2, 4, 6, 4});
  nn::DepthwiseConv2D depthwise{6, {.kernel = 3, .stride = 2, .pad = Pad::same}, random};
  CHECK(identical(
      depthwise(x).data(),
      ops::depthwise_convolution_2d(x, depthwise.W, depthwise.b, {.stride = 2, .pad = Pad::same}).data()));
}

TEST_CASE("a linear layer flattens and keeps batch axes", "[layers]") {
  Random random{1};
  nn::Linear flat{24, 5, {}, random};
  CHECK(flat.W.shape() == Shape{5, 24});
  CHECK(flat(images({3, 2, 4, 3})).shape() == Shape{3, 5});
  nn::Linear rows{3, 5, {.n_batch_axes = 3}, random};
  const Variable x = images({3, 2, 4, 3});
  CHECK(identical(rows(x).data(), ops::linear(x, rows.W, rows.b, {.n_batch_axes = 3}).data()));
}

TEST_CASE("without bias there is no b", "[layers]") {
  Random random{1};
  nn::Conv2D conv{2, 3, {.kernel = 1, .bias = false}, random};
  nn::DepthwiseConv2D depthwise{2, {.kernel = 1, .bias = false}, random};
  nn::Linear linear{2, 3, {.bias = false}, random};
  for (nn::Module* layer : std::initializer_list<nn::Module*>{&conv, &depthwise, &linear}) {
    CHECK(names(*layer) == std::vector<std::string>{"W"});
  }
  CHECK(conv(images({1, 2, 4, 4})).shape() == Shape{1, 3, 4, 4});
}

TEST_CASE("b starts at zero, or as asked, and does not shift the numbers of W", "[layers]") {
  Random first{1};
  Random second{1};
  nn::Conv2D with{2, 3, {.kernel = 3, .initial_b = nn::init::constant(2)}, first};
  nn::Conv2D without{2, 3, {.kernel = 3, .bias = false}, second};
  CHECK(identical(with.W.data(), without.W.data()));
  CHECK(identical(with.b.data(), Array::full({3}, 2, DType::float32)));
  nn::Linear after_with{2, 3, {}, first};
  nn::Linear after_without{2, 3, {}, second};
  CHECK(identical(after_with.W.data(), after_without.W.data()));
  CHECK_FALSE(identical(with.W.data(), nn::Conv2D(2, 3, {.kernel = 3}, first).W.data()));
  CHECK(identical(after_with.b.data(), Array::zeros({3}, DType::float32)));
}

TEST_CASE("batch normalization: training moves the running statistics, evaluation uses them", "[layers]") {
  nn::BatchNorm2D layer{3, {.eps = 1e-3, .decay = 0.75}};
  CHECK(names(layer) == std::vector<std::string>{"gamma", "beta", "avg_mean", "avg_var"});
  const Variable x = images({4, 3, 5, 5});

  ops::RunningStatistics expected{.mean = Array::zeros({3}, DType::float32),
                                  .variance = Array::ones({3}, DType::float32)};
  const Variable trained =
      ops::batch_normalization(x, layer.gamma, layer.beta, &expected, {.eps = 1e-3, .decay = 0.75});
  CHECK(identical(layer(x).data(), trained.data()));
  CHECK(identical(layer.avg_mean.data(), expected.mean));
  CHECK(identical(layer.avg_var.data(), expected.variance));
  CHECK_FALSE(identical(layer.avg_mean.data(), Array::zeros({3}, DType::float32)));

  layer.eval();
  const Variable fixed = ops::fixed_batch_normalization(x, layer.gamma, layer.beta, Variable{expected.mean},
                                                        Variable{expected.variance}, {.eps = 1e-3});
  CHECK(identical(layer(x).data(), fixed.data()));
  CHECK(identical(layer.avg_mean.data(), expected.mean));
  CHECK(identical(layer.avg_var.data(), expected.variance));
}

TEST_CASE("pooling and ReLU are their functions", "[layers]") {
  const Variable x = images({2, 3, 7, 6});
  nn::MaxPool2D max{{.kernel = 3, .stride = 2, .pad = 1, .cover_all = false}};
  CHECK(identical(max(x).data(),
                  ops::max_pooling_2d(x, {.kernel = 3, .stride = 2, .pad = 1, .cover_all = false}).data()));
  nn::AveragePool2D average{{.kernel = 3, .stride = 2, .pad = 1}};
  CHECK(
      identical(average(x).data(), ops::average_pooling_2d(x, {.kernel = 3, .stride = 2, .pad = 1}).data()));
  nn::AveragePool2D inner{{.kernel = 3, .stride = 2, .pad = Pad::same, .count_include_pad = false}};
  CHECK(identical(
      inner(x).data(),
      ops::average_pooling_2d(x, {.kernel = 3, .stride = 2, .pad = Pad::same, .count_include_pad = false})
          .data()));
  nn::AdaptiveAveragePool2D adaptive{{2, 4}};
  CHECK(identical(adaptive(x).data(), ops::adaptive_average_pooling_2d(x, {2, 4}).data()));
  nn::GlobalAveragePool2D global;
  CHECK(identical(global(x).data(), ops::global_average_pooling_2d(x).data()));
  nn::ReLU relu;
  CHECK(identical(relu(x).data(), ops::relu(x).data()));
  CHECK(names(max).empty());
}

TEST_CASE("layers refuse impossible numbers", "[layers][error]") {
  Random random{1};
  CHECK_THROWS_WITH((nn::Conv2D{2, 3, {}, random}),
                    Catch::StartsWith("Conv2D: kernel must be at least 1") &&
                        Catch::EndsWith("\n  hint: 1 is a kernel of one pixel"));
  CHECK_THROWS_WITH((nn::Conv2D{0, 3, {.kernel = 1}, random}),
                    Catch::StartsWith("Conv2D: in_channels must be at least 1") &&
                        Catch::EndsWith("\n  hint: it is the size of axis 1 of x"));
  CHECK_THROWS_WITH((nn::Conv2D{2, 3, {.kernel = 1, .stride = 0}, random}),
                    Catch::StartsWith("Conv2D: stride must be at least 1") &&
                        Catch::EndsWith("\n  hint: 1 moves the window pixel by pixel; 2 halves the size"));
  CHECK_THROWS_WITH((nn::Conv2D{4, 6, {.kernel = 1, .groups = 4}, random}),
                    "Conv2D: groups must divide out_channels (groups is 4, out_channels 6)\n"
                    "  hint: choose a common divisor of both channel counts; 1 connects all channels");
  CHECK_THROWS_WITH((nn::DepthwiseConv2D{2, {.multiplier = 0, .kernel = 1}, random}),
                    Catch::StartsWith("DepthwiseConv2D: multiplier must be at least 1"));
  CHECK_THROWS_WITH((nn::DepthwiseConv2D{2, {.kernel = 1, .pad = {0, -1}}, random}),
                    Catch::StartsWith("DepthwiseConv2D: pad must be at least 0"));
  CHECK_THROWS_WITH((nn::Linear{2, 0, {}, random}), Catch::StartsWith("Linear: out_size must be at least 1"));
  CHECK_THROWS_WITH((nn::BatchNorm2D{3, {.eps = -1}}),
                    "BatchNorm2D: eps must not be negative (eps is -1)\n"
                    "  hint: eps keeps the variance away from 0; 2e-5 is usual");
  CHECK_THROWS_WITH((nn::BatchNorm2D{3, {.decay = 1.5}}),
                    "BatchNorm2D: decay must be between 0 and 1 (decay is 1.5)\n"
                    "  hint: decay is the share of the old average that is kept; 0.9 is usual");
}

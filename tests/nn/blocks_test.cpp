// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/depthwise_separable.hpp>
#include <fathom/nn/layers/inverted_residual.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>

#include "nn/block_checks.hpp"

using namespace fathom;
using test::check_gradients;
using test::prepare;

namespace {

Variable images(const Shape& shape, std::uint64_t stream = 7, bool requires_grad = false) {
  return Variable{normal(RandomKey{7, stream}, shape, 0.2, 1, DType::float64), requires_grad};
}

Variable activated(const Variable& x, Activation activation) {
  if (activation == Activation::none) return x;
  return activation == Activation::relu ? ops::relu(x) : ops::relu6(x);
}

/// y = activation(bn(h) + residual) of plain ops, training or not.
Variable normalized(const nn::BatchNorm2D& bn, const Variable& h, Activation activation,
                    const Variable& residual = {}) {
  const double eps = bn.options().eps;
  Variable y = bn.is_training()
                   ? ops::batch_normalization(h, bn.gamma, bn.beta, nullptr, {.eps = eps})
                   : ops::fixed_batch_normalization(h, bn.gamma, bn.beta, Variable{bn.avg_mean.data()},
                                                    Variable{bn.avg_var.data()}, {.eps = eps});
  if (residual.defined()) y = y + residual;
  return activated(y, activation);
}

/// Both results have the same values, and the same gradients with respect to x and all parameters.
template <class Block, class F, class G>
void require_equal(Block& block, const Variable& x, F blocks_result, G plain_result) {
  const Variable y = blocks_result(), expected = plain_result();
  REQUIRE(allclose(y.data(), expected.data(), 1e-12, 1e-12));
  Variables leaves = block.parameters();
  leaves.push_back(x);
  const Variables gys{images(y.shape(), 55)};
  const Variables gradients = grad(std::span(&y, 1), leaves, gys);
  const Variables wanted = grad(std::span(&expected, 1), leaves, gys);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    REQUIRE(gradients[i].defined());
    CHECK(allclose(gradients[i].data(), wanted[i].data(), 1e-10, 1e-10));
  }
}

std::vector<std::string> names(const nn::Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, value] : module.named_parameters()) result.push_back(name);
  for (const auto& [name, value] : module.named_buffers()) result.push_back(name);
  return result;
}

}  // namespace

TEST_CASE("convolution with batch normalization is its parts", "[blocks]") {
  const auto activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  const bool training = GENERATE(true, false);
  Random random{2};
  nn::ConvBatchNorm block{4,
                          6,
                          {.kernel = {3, 2},
                           .stride = {2, 1},
                           .pad = {1, 0},
                           .dilation = {1, 2},
                           .groups = 2,
                           .activation = activation,
                           .eps = 1e-3,
                           .decay = 0.7},
                          random};
  prepare(block);
  block.train(training);
  CHECK(names(block) ==
        std::vector<std::string>{"conv.W", "bn.gamma", "bn.beta", "bn.avg_mean", "bn.avg_var"});
  CHECK(block.bn->options().decay == 0.7);
  const Variable x = images({3, 4, 7, 6}, 9, true);
  const auto convolved = [&] {
    return ops::convolution_2d(x, block.conv.W, {},
                               {.stride = {2, 1}, .pad = {1, 0}, .dilation = {1, 2}, .groups = 2});
  };
  require_equal(
      block, x, [&] { return block(x); }, [&] { return normalized(*block.bn, convolved(), activation); });
  const Variable shortcut = images(convolved().shape(), 10);
  require_equal(
      block, x, [&] { return block(x, shortcut); },
      [&] { return normalized(*block.bn, convolved(), activation, shortcut); });
}

TEST_CASE("depthwise convolution with batch normalization is its parts", "[blocks]") {
  const auto activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  const bool training = GENERATE(true, false);
  Random random{3};
  nn::DepthwiseConvBatchNorm block{3,
                                   {.multiplier = 2,
                                    .kernel = 3,
                                    .stride = {1, 2},
                                    .pad = {1, 2},
                                    .dilation = {1, 2},
                                    .activation = activation},
                                   random};
  prepare(block);
  block.train(training);
  const Variable x = images({2, 3, 5, 6}, 9, true);
  const auto convolved = [&] {
    return ops::depthwise_convolution_2d(x, block.conv.W, {},
                                         {.stride = {1, 2}, .pad = {1, 2}, .dilation = {1, 2}});
  };
  require_equal(
      block, x, [&] { return block(x); }, [&] { return normalized(*block.bn, convolved(), activation); });
  const Variable shortcut = images(convolved().shape(), 10);
  require_equal(
      block, x, [&] { return block(x, shortcut); },
      [&] { return normalized(*block.bn, convolved(), activation, shortcut); });
}

TEST_CASE("gradients of the blocks are those of numbers", "[blocks][gradients]") {
  const bool training = GENERATE(true, false);
  Random random{5};
  const auto check = [&](auto block, const Shape& shape) {
    prepare(block);
    block.train(training);
    check_gradients(block, shape);
  };
  SECTION("convolution") {
    check(
        nn::ConvBatchNorm{2, 3, {.kernel = 3, .stride = 2, .pad = 1, .activation = Activation::relu}, random},
        {2, 2, 5, 4});
  }
  SECTION("depthwise") {
    check(nn::DepthwiseConvBatchNorm{3, {.kernel = 3, .pad = 1, .activation = Activation::relu6}, random},
          {2, 3, 3, 4});
  }
  SECTION("depthwise separable") { check(nn::DepthwiseSeparable{3, 4, {.stride = 2}, random}, {2, 3, 5, 5}); }
  SECTION("inverted residual that adds its input") {
    check(nn::InvertedResidual{2, 2, {.expanded = 5}, random}, {2, 2, 3, 4});
  }
  SECTION("inverted residual that does not") {
    check(nn::InvertedResidual{2, 3, {.expanded = 4, .stride = 2}, random}, {2, 2, 4, 4});
  }
}

TEST_CASE("blocks take their channels from the first x, or stay without", "[blocks][deferred]") {
  Random first{4}, second{4};
  nn::ConvBatchNorm waiting{5, {.kernel = 1}, first}, given{3, 5, {.kernel = 1}, second};
  nn::DepthwiseConvBatchNorm waiting_depthwise{{.multiplier = 2, .kernel = 3, .pad = 1}, first};
  nn::DepthwiseConvBatchNorm given_depthwise{3, {.multiplier = 2, .kernel = 3, .pad = 1}, second};
  const Variable x{normal(RandomKey{7, 7}, {2, 3, 4, 4}, 0, 1, DType::float32)};
  const Variable small{Array::zeros({2, 5, 4, 3}, DType::float32)};
  CHECK_THROWS_AS(waiting(x, small), ShapeError);
  CHECK_FALSE(waiting.conv.W.defined());
  CHECK(identical(waiting(x).data(), given(x).data()));
  CHECK(identical(waiting_depthwise(x).data(), given_depthwise(x).data()));
  CHECK(waiting_depthwise.bn->gamma.shape() == Shape{6});
}

TEST_CASE("a depthwise separable convolution is two blocks", "[blocks]") {
  Random random{6};
  nn::DepthwiseSeparable block{
      3, 5, {.kernel = {5, 3}, .stride = 2, .activation = Activation::relu6}, random};
  prepare(block);
  const Variable x = images({2, 3, 8, 8}, 9, true);
  CHECK(identical(block(x).data(), block.pointwise(block.depthwise(x)).data()));
  CHECK(block.depthwise.conv.options().pad == Pad{2, 1});
  CHECK(block.depthwise.bn->options().activation == Activation::relu6);
  CHECK(block.pointwise.bn->options().activation == Activation::relu6);
  CHECK(block(x).shape() == Shape{2, 5, 4, 4});
}

TEST_CASE("an inverted residual adds its input where the shapes allow it", "[blocks]") {
  Random random{7};
  const Variable x = images({2, 3, 4, 4}, 9, true);
  nn::InvertedResidual adding{3, 3, {.expanded = 8}, random};
  prepare(adding);
  REQUIRE(adding.adds_input());
  require_equal(
      adding, x, [&] { return adding(x); },
      [&] { return adding.project(adding.depthwise((*adding.expand)(x))) + x; });
  nn::InvertedResidual wider{3, 4, {.expanded = 8}, random},
      strided{3, 3, {.expanded = 8, .stride = 2}, random};
  CHECK_FALSE(wider.adds_input());
  CHECK_FALSE(strided.adds_input());
  nn::InvertedResidual plain{3, 4, {.expanded = 3}, random};
  CHECK_FALSE(plain.expand);
  prepare(plain);
  CHECK(identical(plain(x).data(), plain.project(plain.depthwise(x)).data()));
}

TEST_CASE("blocks refuse impossible numbers", "[blocks][errors]") {
  Random random{8};
  CHECK_THROWS_WITH((nn::ConvBatchNorm{2, 3, {}, random}),
                    Catch::StartsWith("Conv2D: kernel must be at least 1"));
  CHECK_THROWS_WITH((nn::DepthwiseConvBatchNorm{2, {.kernel = 1, .eps = -1}, random}),
                    Catch::StartsWith("BatchNorm2D: eps must not be negative"));
  CHECK_THROWS_WITH((nn::InvertedResidual{2, 3, {}, random}),
                    "InvertedResidual: expanded must be at least 1 (it is 0)\n"
                    "  hint: MobileNetV2 has 6 * in_channels");
  nn::ConvBatchNorm block{2, 3, {.kernel = 1}, random};
  block.to(DType::float64);
  CHECK_THROWS_WITH(block(images({1, 2, 3, 3}), Variable{}),
                    Catch::StartsWith("BatchNorm2D: residual must not be undefined\n"));
}

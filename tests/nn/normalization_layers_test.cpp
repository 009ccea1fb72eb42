// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/module_path.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/normalization.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/normalization.hpp>

using namespace fathom;

namespace {

Variable images(const Shape& shape, std::uint64_t stream = 7, DType dtype = DType::float32) {
  return Variable{normal(RandomKey{7, stream}, shape, 0.5, 2, dtype)};
}

}  // namespace

TEST_CASE("batch normalization with activation and residual, training and evaluating",
          "[layers][batch_normalization]") {
  const auto activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  nn::BatchNorm2D layer{3, {.eps = 1e-3, .activation = activation}};
  const Variable x = images({4, 3, 5, 5});
  const Variable shortcut = images({4, 3, 5, 5}, 8);
  ops::RunningStatistics running{.mean = layer.avg_mean.data().copy(),
                                 .variance = layer.avg_var.data().copy()};
  const Variable trained = ops::batch_normalization(
      x, layer.gamma, layer.beta, &running, {.eps = 1e-3, .activation = activation, .residual = shortcut});
  CHECK(identical(layer(x, shortcut).data(), trained.data()));
  CHECK(identical(layer.avg_mean.data(), running.mean));
  CHECK(identical(layer.avg_var.data(), running.variance));

  layer.eval();
  const auto fixed = [&](const Variable& residual) {
    return ops::fixed_batch_normalization(x, layer.gamma, layer.beta, Variable{running.mean},
                                          Variable{running.variance},
                                          {.eps = 1e-3, .activation = activation, .residual = residual});
  };
  CHECK(identical(layer(x, shortcut).data(), fixed(shortcut).data()));
  CHECK(identical(layer(x).data(), fixed({}).data()));
  CHECK_FALSE(identical(layer(x).data(), layer(x, shortcut).data()));
}

TEST_CASE("a block whose batch normalizations end it", "[layers][batch_normalization]") {
  const Variable x = images({2, 8, 3, 3});
  nn::BatchNorm2D inside{8, {.activation = Activation::relu6}};
  nn::BatchNorm2D last{8, {.activation = Activation::relu}};
  const Variable y = last(inside(x), x);  // relu(normalized + x)
  nn::BatchNorm2D plain_inside{8}, plain_last{8};
  const Variable parts = ops::relu(plain_last(ops::relu6(plain_inside(x))) + x);
  CHECK(allclose(y.data(), parts.data(), 1e-6, 1e-6));
}

TEST_CASE("batch normalization with a residual takes its size from x, or stays without", "[layers]") {
  nn::BatchNorm2D layer{{.activation = Activation::relu}};
  const Variable x = images({2, 3, 4, 4});
  CHECK_THROWS_AS(layer(x, images({2, 3, 4, 1})), ShapeError);
  CHECK_FALSE(layer.gamma.defined());
  CHECK_THROWS_WITH(layer(x, {}), Catch::StartsWith("BatchNorm2D: residual must not be undefined\n"));
  CHECK(layer(x, x).shape() == x.shape());
  CHECK(layer.gamma.shape() == Shape{3});
  CHECK(current_module_path().empty());
}

TEST_CASE("layer normalization's shape is given or that of the first x", "[layers]") {
  const Variable x = images({2, 3, 5});
  nn::LayerNorm last{5, {.eps = 1e-3}};
  CHECK(identical(last(x).data(), ops::layer_normalization(x, last.gamma, last.beta, {.eps = 1e-3}).data()));
  nn::LayerNorm both{Shape{3, 5}};
  CHECK(both.gamma.shape() == Shape{3, 5});
  CHECK(identical(both(x).data(), ops::layer_normalization(x, both.gamma, both.beta).data()));
  nn::LayerNorm deferred{nn::LayerNormOptions{.axes = 2}};
  CHECK_FALSE(deferred.gamma.defined());
  CHECK_THROWS_AS(deferred(images({4})), ShapeError);
  CHECK_FALSE(deferred.gamma.defined());
  CHECK(identical(deferred(x).data(), both(x).data()));
  CHECK(deferred.gamma.shape() == Shape{3, 5});
  CHECK(deferred.beta.shape() == Shape{3, 5});
}

TEST_CASE("group normalization's channels are given or those of the first x", "[layers]") {
  const Variable x = images({2, 6, 3, 4});
  nn::GroupNorm given{3, 6, {.eps = 1e-3}};
  CHECK(identical(given(x).data(),
                  ops::group_normalization(x, 3, given.gamma, given.beta, {.eps = 1e-3}).data()));
  nn::GroupNorm deferred{3, {.eps = 1e-3}};
  CHECK_THROWS_AS(deferred(images({2, 4, 3})), ValueError);
  CHECK_FALSE(deferred.gamma.defined());
  CHECK(identical(deferred(x).data(), given(x).data()));
  CHECK(deferred.gamma.shape() == Shape{6});
}

TEST_CASE("layer and group normalization learn, and are the same in evaluation", "[layers]") {
  nn::Sequential net{nn::GroupNorm{2}, nn::LayerNorm{}, nn::LocalResponseNorm{{.n = 3}}};
  const Variable x = images({2, 4, 5});
  const Variable y = net(x);
  backward(std::span(&y, 1), Variables{images({2, 4, 5}, 9)});
  CHECK(net.parameters().size() == 4);
  for (const Variable& parameter : net.parameters()) CHECK(parameter.grad().defined());
  net.eval();
  CHECK(identical(net(x).data(), y.data()));
  net.to(DType::float64);
  CHECK(net(images({2, 4, 5}, 7, DType::float64)).dtype() == DType::float64);
}

TEST_CASE("local response normalization passes its options on", "[layers]") {
  const Variable x = images({2, 6, 3});
  const ops::LocalResponseNormalizationOptions options{
      .n = 4, .k = 1, .alpha = 0.5, .beta = 0.5, .scale = ops::ResponseScale::mean};
  nn::LocalResponseNorm layer{options};
  CHECK(identical(layer(x).data(), ops::local_response_normalization(x, options).data()));
  CHECK_FALSE(identical(layer(x).data(), ops::local_response_normalization(x).data()));
}

TEST_CASE("normalization layers refuse wrong options", "[layers][errors]") {
  CHECK_THROWS_WITH((nn::LayerNorm{5, {.eps = -1}}),
                    "LayerNorm: eps must not be negative (eps is -1)\n"
                    "  hint: eps keeps the variance away from 0; 1e-5 is usual");
  CHECK_THROWS_WITH((nn::LayerNorm{nn::LayerNormOptions{.axes = 0}}),
                    "LayerNorm: axes must be at least 1 (it is 0)\n  hint: they are the last ones of x");
  CHECK_THROWS_WITH(
      (nn::LayerNorm{Shape{3, 0}}),
      "LayerNorm: shape must be at least 1 (it is 0)\n  hint: it is that of the last axes of x");
  CHECK_THROWS_WITH((nn::GroupNorm{4, 6}),
                    "GroupNorm: groups must divide channels (groups is 4, channels is 6)\n"
                    "  hint: groups of neighbouring channels have all the same size");
  CHECK_THROWS_WITH((nn::GroupNorm{0}),
                    Catch::StartsWith("GroupNorm: groups must be at least 1 (it is 0)\n"));
  CHECK_THROWS_WITH((nn::LocalResponseNorm{{.n = 0}}),
                    "LocalResponseNorm: n must be at least 1 (it is 0)\n"
                    "  hint: it is the number of channels in a window");
}

// SPDX-License-Identifier: BSD-3-Clause
// MobileNetV3, EfficientNet-B0 and ResNet-20, and what their blocks have beyond MobileNetV2's.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/layers/inverted_residual.hpp>
#include <fathom/nn/models/efficientnet.hpp>
#include <fathom/nn/models/mobilenet_v3.hpp>
#include <fathom/nn/models/resnet20.hpp>
#include <fathom/nn/summary.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "nn/block_checks.hpp"
#include "nn/model_checks.hpp"

using namespace fathom;
using test::last_of;
using test::require_gradients;

namespace {

constexpr auto kSmall = nn::MobileNetV3Size::small;

Variable images(const Shape& shape, DType dtype = DType::float64) {
  return Variable{normal(RandomKey{7, 9}, shape, 0.2, 1, dtype)};
}

/// The share by which multiply-adds differ from a paper's, in millions.
double off_paper(const nn::Summary& summary, double millions) {
  return std::abs(static_cast<double>(summary.total.multiply_adds) / (millions * 1e6) - 1);
}

}  // namespace

TEST_CASE("MobileNetV3 has torchvision's parameters and the paper's multiply-adds", "[models]") {
  Random random{1};
  nn::MobileNetV3 large{{}, random};
  CHECK(large.count_parameters() == 5'483'032);
  const nn::Summary of_large = nn::summary(large, {3, 224, 224});
  CHECK(of_large.total.multiply_adds == 216'589'760);
  CHECK(off_paper(of_large, 219) < 0.02);
  CHECK(last_of(of_large, "features.0.").output == Shape{1, 16, 112, 112});
  CHECK(last_of(of_large, "features.16.").output == Shape{1, 160, 7, 7});
  CHECK(last_of(of_large, "features.17.").output == Shape{1, 960, 7, 7});
  CHECK(last_of(of_large, "classify.0").output == Shape{1, 1280});
  CHECK(last_of(of_large, "classify").output == Shape{1, 1000});

  nn::MobileNetV3 small{{.size = kSmall}, random};
  CHECK(small.count_parameters() == 2'542'856);
  const nn::Summary of_small = nn::summary(small, {3, 224, 224});
  CHECK(of_small.total.multiply_adds == 56'510'400);
  CHECK(off_paper(of_small, 56) < 0.02);
  CHECK(last_of(of_small, "features.12.").output == Shape{1, 96, 7, 7});
  CHECK(last_of(of_small, "features.13.").output == Shape{1, 576, 7, 7});
  CHECK(last_of(of_small, "classify.0").output == Shape{1, 1024});
}

TEST_CASE("EfficientNet-B0 has torchvision's parameters and the paper's multiply-adds", "[models]") {
  Random random{1};
  nn::EfficientNetB0 net{{}, random};
  CHECK(net.count_parameters() == 5'288'548);
  const nn::Summary summary = nn::summary(net, {3, 224, 224});
  CHECK(summary.total.multiply_adds == 385'814'752);
  CHECK(off_paper(summary, 390) < 0.02);
  CHECK(last_of(summary, "features.0.").output == Shape{1, 32, 112, 112});
  CHECK(last_of(summary, "features.4.").output == Shape{1, 24, 56, 56});
  CHECK(last_of(summary, "features.17.").output == Shape{1, 320, 7, 7});
  CHECK(last_of(summary, "features.18.").output == Shape{1, 1280, 7, 7});
  CHECK(last_of(summary, "classify").output == Shape{1, 1000});
  // Stochastic depth rises with the number of the block, and is in those alone that add their input.
  const auto block = [&](std::size_t number) -> nn::InvertedResidual& {
    return static_cast<nn::InvertedResidual&>(net.features[number + 2]);
  };
  CHECK_FALSE(block(0).drop);
  CHECK(block(2).drop->ratio() == 0.2 * 2 / 16);
  CHECK(block(14).drop->ratio() == 0.2 * 14 / 16);
  CHECK_FALSE(block(15).drop);
}

TEST_CASE("ResNet-20 has the paper's parameters", "[models]") {
  Random random{1};
  nn::ResNet20 net{{}, random};
  CHECK(net.count_parameters() == 269'722);
  const nn::Summary summary = nn::summary(net, {3, 32, 32});
  CHECK(summary.total.multiply_adds == 40'551'040);
  CHECK(last_of(summary, "features.3.").output == Shape{1, 16, 32, 32});
  CHECK(last_of(summary, "features.6.").output == Shape{1, 32, 16, 16});
  CHECK(last_of(summary, "features.9.").output == Shape{1, 64, 8, 8});
  CHECK(last_of(summary, "classify").output == Shape{1, 10});
}

// The first six are what torchvision 0.14.1 counts for these width_mult, the others come from a formula of
// the channels that has all the numbers above as well.
TEST_CASE("searched models have the parameters of their width", "[models]") {
  Random random{1};
  const auto large = [&](double width) {
    return nn::MobileNetV3{{.width = width}, random}.count_parameters();
  };
  CHECK(large(0.75) == 3'377'576);
  CHECK(large(0.5) == 1'734'576);
  const auto small = [&](double width) {
    return nn::MobileNetV3{{.size = kSmall, .width = width}, random}.count_parameters();
  };
  CHECK(small(0.5) == 917'264);
  CHECK(small(1.25) == 3'644'912);
  const auto b0 = [&](double width) {
    return nn::EfficientNetB0{{.width = width}, random}.count_parameters();
  };
  CHECK(b0(0.5) == 1'712'522);
  CHECK(b0(0.75) == 3'332'440);
  const auto residual = [&](double width) {
    return nn::ResNet20{{.width = width}, random}.count_parameters();
  };
  CHECK(residual(0.5) == 68'050);
  CHECK(residual(2) == 1'073'962);
  // Other inputs and outputs change the first and the last layer alone.
  CHECK(nn::MobileNetV3{{.in_channels = 1, .classes = 7, .width = 0.25, .small_images = true}, random}
            .count_parameters() == 298'103);
  CHECK(nn::EfficientNetB0{{.in_channels = 1, .classes = 7, .width = 0.5, .small_images = true}, random}
            .count_parameters() == 1'075'721);
}

TEST_CASE("searched models of other widths, inputs and classes", "[models]") {
  Random random{1};
  nn::MobileNetV3 large{{.in_channels = 1, .classes = 7, .width = 0.5, .small_images = true}, random};
  const nn::Summary of_large = nn::summary(large, {1, 32, 32});
  CHECK(last_of(of_large, "features.0.").output == Shape{1, 8, 32, 32});
  CHECK(last_of(of_large, "features.3.").output == Shape{1, 16, 32, 32});
  CHECK(last_of(of_large, "features.5.").output == Shape{1, 24, 16, 16});
  CHECK(last_of(of_large, "features.12.").output == Shape{1, 56, 8, 8});
  CHECK(last_of(of_large, "features.16.").output == Shape{1, 80, 4, 4});
  CHECK(last_of(nn::summary(large, {1, 28, 28}), "classify").output == Shape{1, 7});
  nn::MobileNetV3 v3{{.size = kSmall, .in_channels = 1, .classes = 7, .width = 0.5, .small_images = true},
                     random};
  const nn::Summary of_v3 = nn::summary(v3, {1, 32, 32});
  CHECK(last_of(of_v3, "features.0.").output == Shape{1, 8, 32, 32});
  CHECK(last_of(of_v3, "features.2.").output == Shape{1, 8, 32, 32});
  CHECK(last_of(of_v3, "features.12.").output == Shape{1, 48, 4, 4});
  CHECK(last_of(nn::summary(v3, {1, 28, 28}), "classify").output == Shape{1, 7});
  nn::EfficientNetB0 b0{{.in_channels = 1, .classes = 7, .width = 0.5, .small_images = true}, random};
  const nn::Summary of_b0 = nn::summary(b0, {1, 32, 32});
  CHECK(last_of(of_b0, "features.0.").output == Shape{1, 16, 32, 32});
  CHECK(last_of(of_b0, "features.4.").output == Shape{1, 16, 32, 32});
  CHECK(last_of(of_b0, "features.17.").output == Shape{1, 160, 4, 4});
  CHECK(last_of(nn::summary(b0, {1, 28, 28}), "classify").output == Shape{1, 7});
  nn::ResNet20 residual{{.in_channels = 1, .classes = 7, .width = 0.5}, random};
  CHECK(last_of(nn::summary(residual, {1, 28, 28}), "features.9.").output == Shape{1, 32, 7, 7});
}

TEST_CASE("a training step of each searched model reaches every parameter", "[models]") {
  Random random{2};
  SECTION("MobileNetV3, large") {
    nn::MobileNetV3 net{{.in_channels = 1, .classes = 7, .width = 0.25, .small_images = true}, random};
    require_gradients(net, {4, 1, 32, 32}, 7);
  }
  SECTION("MobileNetV3, small") {
    nn::MobileNetV3 net{{.size = kSmall, .classes = 10, .width = 0.5, .small_images = true}, random};
    require_gradients(net, {4, 3, 32, 32}, 10);
  }
  SECTION("EfficientNet-B0") {
    nn::EfficientNetB0 net{{.classes = 10, .width = 0.25, .drop = 0, .small_images = true}, random};
    require_gradients(net, {4, 3, 32, 32}, 10);
  }
  SECTION("ResNet-20") {
    nn::ResNet20 net{{}, random};
    require_gradients(net, {4, 3, 32, 32}, 10);
  }
}

TEST_CASE("gradients of searched blocks are those of numbers", "[blocks][gradients]") {
  const bool training = GENERATE(true, false);
  Random random{5};
  const auto check = [&](auto block, const Shape& shape) {
    test::prepare(block);
    block.train(training);
    test::check_gradients(block, shape);
  };
  SECTION("MobileNetV3's") {
    const auto gate = [](const Variable& x) { return ops::hard_sigmoid(x, 1.0 / 6); };
    check(nn::InvertedResidual{2,
                               2,
                               {.expanded = 4,
                                .kernel = 5,
                                .function = ops::hard_swish,
                                .squeeze = nn::SqueezeExciteOptions{.reduced = 2, .gate = gate}},
                               random},
          {2, 2, 4, 5});
  }
  SECTION("EfficientNet's") {
    const auto swish = [](const Variable& x) { return ops::swish(x); };
    nn::InvertedResidualOptions options{.expanded = 4, .stride = 2, .function = swish};
    options.squeeze = nn::SqueezeExciteOptions{.reduced = 1, .activation = swish};
    check(nn::InvertedResidual{2, 3, options, random}, {2, 2, 4, 4});
  }
  SECTION("ResNet's") { check(nn::BasicBlock{2, 3, 1, random}, {2, 2, 4, 3}); }
  SECTION("ResNet's that halves") { check(nn::BasicBlock{2, 2, 2, random}, {2, 2, 5, 4}); }
}

TEST_CASE("gradients of a block that drops samples are those of numbers", "[blocks][gradients]") {
  Random random{6};
  nn::InvertedResidual block{2, 2, {.expanded = 3, .drop = 0.5}, random};
  test::prepare(block);
  nn::StochasticDepth drop = *block.drop;
  const Array kept = drop(Variable{Array::ones({4, 1}, DType::float64)}).data();
  const double* factors = kept.data<double>();
  REQUIRE(std::count(factors, factors + 4, 0) > 0);
  REQUIRE(std::count(factors, factors + 4, 2) > 0);
  test::check_gradients(block, {4, 2, 3, 3});
}

TEST_CASE("stochastic depth leaves samples as they are, while training alone", "[blocks]") {
  Random random{6};
  nn::InvertedResidual block{3, 3, {.expanded = 6, .drop = 0.5}, random};
  block.to(DType::float64);
  REQUIRE(block.drop);
  const Variable x = images({16, 3, 4, 4});
  const Variable branch = block.project(block.depthwise((*block.expand)(x)));
  const Array y = block(x).data(), kept = (x + 2.0 * branch).data();
  std::int64_t dropped = 0;
  for (std::int64_t i = 0; i < 16; ++i) {
    const auto part = [&](const Array& whole) {
      return Array::from(std::span(whole.data<double>() + i * 48, 48), {48});
    };
    const bool is_dropped = identical(part(y), part(x.data()));
    dropped += is_dropped ? 1 : 0;
    if (!is_dropped) CHECK(allclose(part(y), part(kept), 1e-12, 1e-12));
  }
  CHECK(dropped > 2);
  CHECK(dropped < 14);
  block.eval();
  CHECK(allclose(block(x).data(), (x + block.project(block.depthwise((*block.expand)(x)))).data(), 1e-12,
                 1e-12));
  // Where nothing is added, nothing can be dropped.
  CHECK_FALSE((nn::InvertedResidual{3, 4, {.expanded = 6, .drop = 0.5}, random}).drop);
}

TEST_CASE("a block of ResNet adds what is left of its input", "[blocks]") {
  Random random{7};
  nn::BasicBlock block{2, 5, 2, random};
  block.to(DType::float64);
  block.second.bn->gamma.mutable_data().assign(Array::zeros({5}, DType::float64));
  const Array x = images({1, 2, 5, 6}).data(), y = block(Variable{x}).data();
  REQUIRE(y.shape() == Shape{1, 5, 3, 3});
  for (std::int64_t c = 0; c < 5; ++c) {
    for (std::int64_t i = 0; i < 3; ++i) {
      for (std::int64_t j = 0; j < 3; ++j) {
        const double expected = c < 2 ? std::max(0.0, x.data<double>()[(c * 5 + 2 * i) * 6 + 2 * j]) : 0.0;
        CHECK(y.data<double>()[(c * 3 + i) * 3 + j] == expected);
      }
    }
  }
}

TEST_CASE("searched models refuse impossible numbers", "[models][errors]") {
  Random random{3};
  CHECK_THROWS_WITH((nn::MobileNetV3{{.width = 0}, random}),
                    "MobileNetV3: width must be positive (it is 0)\n"
                    "  hint: 1 is the net of the paper, 0.5 has half of its channels");
  CHECK_THROWS_WITH((nn::EfficientNetB0{{.classes = 0}, random}),
                    "EfficientNetB0: classes must be at least 1 (it is 0)\n"
                    "  hint: it is the number of outputs for an image");
  CHECK_THROWS_WITH((nn::EfficientNetB0{{.drop = 1}, random}),
                    "EfficientNetB0: drop must be at least 0 and below 1 (it is 1)\n"
                    "  hint: 0 drops nothing, the paper has 0.2");
  CHECK_THROWS_WITH((nn::MobileNetV3{{.dropout = 1}, random}), Catch::StartsWith("Dropout: ratio "));
  CHECK_THROWS_WITH((nn::ResNet20{{.in_channels = 0}, random}),
                    "ResNet20: in_channels must be at least 1 (it is 0)\n"
                    "  hint: it is the size of axis 1 of x");
  CHECK_THROWS_WITH((nn::BasicBlock{4, 3, 1, random}),
                    "BasicBlock: out_channels must be at least 4 (it is 3)\n"
                    "  hint: the shortcut can add channels, not take any away");
}

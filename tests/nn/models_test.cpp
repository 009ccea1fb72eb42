// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/models/mobilenet_v1.hpp>
#include <fathom/nn/models/mobilenet_v2.hpp>
#include <fathom/nn/models/small_cnn.hpp>
#include <fathom/nn/summary.hpp>

#include "nn/model_checks.hpp"

using namespace fathom;
using test::last_of;
using test::require_gradients;

TEST_CASE("MobileNetV1 has the paper's parameters, multiply-adds and shapes", "[models]") {
  Random random{1};
  nn::MobileNetV1 net{{}, random};
  CHECK(net.count_parameters() == 4'231'976);
  const nn::Summary summary = nn::summary(net, {3, 224, 224});
  CHECK(summary.total.multiply_adds == 568'740'352);  // the paper says 569 million
  CHECK(last_of(summary, "features.0.").output == Shape{1, 32, 112, 112});
  CHECK(last_of(summary, "features.1.").output == Shape{1, 64, 112, 112});
  CHECK(last_of(summary, "features.6.").output == Shape{1, 512, 14, 14});
  CHECK(last_of(summary, "features.13.").output == Shape{1, 1024, 7, 7});
  CHECK(last_of(summary, "classify").output == Shape{1, 1000});
}

TEST_CASE("MobileNetV1 of other widths, inputs and classes", "[models]") {
  Random random{1};
  nn::MobileNetV1 quarter{{.width = 0.25}, random};
  CHECK(quarter.count_parameters() == 470'072);
  CHECK(nn::MobileNetV1({.classes = 10, .small_images = true}, random).count_parameters() == 3'217'226);
  nn::MobileNetV1 small{{.in_channels = 1, .classes = 7, .width = 0.25, .small_images = true}, random};
  CHECK(last_of(nn::summary(small, {1, 32, 32}), "features.0.").output == Shape{1, 8, 32, 32});
  CHECK(last_of(nn::summary(small, {1, 32, 32}), "features.13.").output == Shape{1, 256, 2, 2});
  CHECK(last_of(nn::summary(small, {1, 28, 28}), "classify").output == Shape{1, 7});
  // Channels never fall below 8.
  nn::MobileNetV1 tiny{{.width = 0.01}, random};
  CHECK(last_of(nn::summary(tiny, {3, 64, 64}), "features.13.").output == Shape{1, 10, 2, 2});
  CHECK(last_of(nn::summary(tiny, {3, 64, 64}), "features.0.").output == Shape{1, 8, 32, 32});
}

TEST_CASE("MobileNetV2 has the paper's parameters, multiply-adds and shapes", "[models]") {
  Random random{1};
  nn::MobileNetV2 net{{}, random};
  CHECK(net.count_parameters() == 3'504'872);
  const nn::Summary summary = nn::summary(net, {3, 224, 224});
  CHECK(summary.total.multiply_adds == 300'774'272);  // the paper says 300 million
  CHECK(last_of(summary, "features.0.").output == Shape{1, 32, 112, 112});
  CHECK(last_of(summary, "features.1.").output == Shape{1, 16, 112, 112});
  CHECK(last_of(summary, "features.3.").output == Shape{1, 24, 56, 56});
  CHECK(last_of(summary, "features.17.").output == Shape{1, 320, 7, 7});
  CHECK(last_of(summary, "features.18.").output == Shape{1, 1280, 7, 7});
  CHECK(last_of(summary, "classify").output == Shape{1, 1000});
}

TEST_CASE("MobileNetV2 of other widths, inputs and classes", "[models]") {
  Random random{1};
  CHECK(nn::MobileNetV2({.classes = 10, .small_images = true}, random).count_parameters() == 2'236'682);
  // torchvision's mobilenet_v2(width_mult)
  CHECK(nn::MobileNetV2({.width = 0.5}, random).count_parameters() == 1'968'680);
  CHECK(nn::MobileNetV2({.width = 1.4}, random).count_parameters() == 6'108'776);
  nn::MobileNetV2 small{{.in_channels = 1, .classes = 7, .width = 0.35, .small_images = true}, random};
  // 0.35 * 32 is 11.2, of which 8 would be less than 90 %
  CHECK(last_of(nn::summary(small, {1, 32, 32}), "features.0.").output == Shape{1, 16, 32, 32});
  CHECK(last_of(nn::summary(small, {1, 32, 32}), "features.3.").output == Shape{1, 8, 32, 32});
  CHECK(last_of(nn::summary(small, {1, 32, 32}), "features.17.").output == Shape{1, 112, 4, 4});
  CHECK(last_of(nn::summary(small, {1, 28, 28}), "classify").output == Shape{1, 7});
}

TEST_CASE("the small net has its parameters and shapes", "[models]") {
  Random random{1};
  nn::SmallCNN net{{}, random};
  CHECK(net.count_parameters() == 13'386);
  const nn::Summary summary = nn::summary(net, {1, 28, 28});
  CHECK(summary.total.multiply_adds == 1'114'560);
  CHECK(last_of(summary, "features.1").output == Shape{1, 32, 14, 14});
  CHECK(last_of(summary, "features.").output == Shape{1, 128, 7, 7});
  CHECK(last_of(summary, "classify").output == Shape{1, 10});
  nn::SmallCNN colours{{.in_channels = 3, .classes = 5}, random};
  CHECK(last_of(nn::summary(colours, {3, 33, 31}), "classify").output == Shape{1, 5});
}

TEST_CASE("a training step of each model reaches every parameter", "[models]") {
  Random random{2};
  SECTION("MobileNetV1") {
    nn::MobileNetV1 net{{.classes = 10, .width = 0.25, .small_images = true}, random};
    require_gradients(net, {4, 3, 32, 32}, 10);
  }
  SECTION("MobileNetV2") {
    nn::MobileNetV2 net{{.classes = 10, .width = 0.35, .small_images = true}, random};
    require_gradients(net, {4, 3, 32, 32}, 10);
  }
  SECTION("the small net") {
    nn::SmallCNN net{{}, random};
    require_gradients(net, {4, 1, 28, 28}, 10);
  }
}

TEST_CASE("models refuse impossible numbers", "[models][errors]") {
  Random random{3};
  CHECK_THROWS_WITH((nn::MobileNetV1{{.width = 0}, random}),
                    "MobileNetV1: width must be positive (it is 0)\n"
                    "  hint: 1 is the net of the paper, 0.5 has half of its channels");
  CHECK_THROWS_WITH((nn::MobileNetV1{{.classes = 0}, random}),
                    "MobileNetV1: classes must be at least 1 (it is 0)\n"
                    "  hint: it is the number of outputs for an image");
  CHECK_THROWS_WITH((nn::MobileNetV2{{.width = -1}, random}),
                    "MobileNetV2: width must be positive (it is -1)\n"
                    "  hint: 1 is the net of the paper, 0.5 has half of its channels");
  CHECK_THROWS_WITH((nn::MobileNetV2{{.in_channels = 0}, random}),
                    "MobileNetV2: in_channels must be at least 1 (it is 0)\n"
                    "  hint: it is the size of axis 1 of x");
  CHECK_THROWS_WITH((nn::SmallCNN{{.in_channels = 0}, random}),
                    "SmallCNN: in_channels must be at least 1 (it is 0)\n"
                    "  hint: it is the size of axis 1 of x");
}

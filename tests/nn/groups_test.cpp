// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/groups.hpp>

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include <fathom/core/random.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/models/mobilenet_v2.hpp>
#include <fathom/nn/optim/sgd.hpp>

using namespace fathom;

TEST_CASE("no_decay_groups leaves out biases, batch normalization and depthwise filters", "[groups]") {
  Random random{1};
  nn::MobileNetV2 net{{.classes = 10}, random};
  const nn::ParameterGroups groups = nn::no_decay_groups(net);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].decay == 1);
  CHECK(groups[1].decay == 0);
  CHECK(groups[0].rate == 1);
  CHECK(groups[1].rate == 1);
  // Filters of convolutions of 1 x 1 and of the first one, and the matrix at the end.
  std::size_t depthwise = 0;
  for (const Variable& weight : groups[0].parameters) {
    CHECK((weight.rank() == 2 || weight.shape()[1] > 1));
  }
  for (const Variable& plain : groups[1].parameters) {
    if (plain.rank() == 1) continue;
    CHECK(plain.shape()[0] == 1);
    ++depthwise;
  }
  CHECK(depthwise == 17);
  CHECK(groups[0].parameters.size() == 17 * 2 - 1 + 2 + 1);
  CHECK(groups[0].parameters.size() + groups[1].parameters.size() == net.parameters().size());
  nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9, .weight_decay = 5e-4}};
  CHECK(optimizer.parameters().size() == net.parameters().size());
}

TEST_CASE("no_decay_groups takes a layer by itself", "[groups]") {
  Random random{1};
  nn::DepthwiseConv2D layer{4, {.kernel = 3}, random};
  const nn::ParameterGroups groups = nn::no_decay_groups(layer);
  CHECK(groups[0].parameters.empty());
  CHECK(groups[1].parameters.size() == 2);
}

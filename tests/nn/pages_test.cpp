// SPDX-License-Identifier: BSD-3-Clause
// Snippets of the pages in docs/ops and of comments in headers, word for word, and what they say about
// shapes.
#include <fathom/fathom.hpp>

#include <catch2/catch.hpp>

using namespace fathom;

namespace {

// clang-format off
struct Block : nn::Module {
  nn::Conv2D conv;
  nn::BatchNorm2D bn;
  FATHOM_MODULE(conv, bn)
  explicit Block(Random& random) : conv{8, 8, {.kernel = 3, .pad = 1}, random}, bn{8} {}
  Variable forward(const Variable& x) override { return ops::relu(bn(conv(x))); }
};
// clang-format on

Variable ones(const Shape& shape) { return Variable{Array::ones(shape, DType::float32)}; }

}  // namespace

TEST_CASE("pages: convolutions", "[pages]") {
  const Variable x = ones({2, 3, 11, 15});
  const Variable b = ones({4});
  {
    const Variable W = ones({4, 3, 3, 3});
    Variable y = ops::convolution_2d(x, W, b, {.stride = 2, .pad = 1});
    CHECK(y.shape() == Shape{2, 4, 6, 8});
  }
  {
    const Variable x = ones({2, 3, 3, 4});
    const Variable W = ones({3, 4, 3, 3});
    Variable y = ops::deconvolution_2d(x, W, b, {.stride = 2, .pad = 1, .output_size = Pair2{6, 8}});
    CHECK(y.shape() == Shape{2, 4, 6, 8});
  }
  Random random{1};
  nn::DepthwiseConv2D depthwise{32, {.multiplier = 1, .kernel = 3, .stride = 2, .pad = 1}, random};
  CHECK(depthwise(ones({2, 32, 8, 6})).shape() == Shape{2, 32, 4, 3});
}

TEST_CASE("pages: products", "[pages]") {
  const Variable x = ones({64, 3, 8, 8});
  const Variable weights = ones({10, 192});
  const Variable W = ones({10, 64});
  const Variable b = ones({10});
  // clang-format off
  Variable scores = ops::linear(x, weights, b);                  // x (64, 3, 8, 8), weights (10, 192): (64, 10)
  Variable rows = ops::linear(x, W, b, {.n_batch_axes = 2});     // x (64, 3, 8, 8), W (10, 64): (64, 3, 10)
  // clang-format on
  CHECK(scores.shape() == Shape{64, 10});
  CHECK(rows.shape() == Shape{64, 3, 10});

  const Variable a = ones({2, 1, 3, 4});
  const Variable c = ones({5, 4, 6});
  const Variable d = ones({3, 4});
  const Variable e = ones({6, 4});
  // clang-format off
  Variable y = ops::matmul(a, c);                             // a (2, 1, 3, 4), c (5, 4, 6): y (2, 5, 3, 6)
  Variable z = ops::matmul(d, e, {.transpose_b = true});      // d (3, 4), e (6, 4): z (3, 6)
  // clang-format on
  CHECK(y.shape() == Shape{2, 5, 3, 6});
  CHECK(z.shape() == Shape{3, 6});
}

TEST_CASE("headers: a module", "[pages]") {
  Random random{1};
  Block block{random};
  CHECK(block(ones({1, 8, 5, 5})).shape() == Shape{1, 8, 5, 5});
  CHECK(block.named_parameters().size() == 4);
}

TEST_CASE("headers: weights and biases in groups of their own", "[pages]") {
  Random random{1};
  Block net{random};
  // clang-format off
  auto [plain, weights] = nn::split_parameters(net, nn::is_bias_or_norm);
  nn::SGD optimizer{{{weights}, {.parameters = plain, .decay = 0}}, {.weight_decay = 5e-4}};
  // clang-format on
  CHECK(plain.size() == 3);
  CHECK(weights.size() == 1);
}

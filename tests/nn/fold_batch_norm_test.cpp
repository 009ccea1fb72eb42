// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/fold_batch_norm.hpp>

#include <catch2/catch.hpp>
#include <sstream>

#include <fathom/autograd/scopes.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/inverted_residual.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/models/efficientnet.hpp>
#include <fathom/nn/models/mobilenet_v1.hpp>
#include <fathom/nn/models/mobilenet_v2.hpp>
#include <fathom/nn/models/mobilenet_v3.hpp>
#include <fathom/nn/models/resnet20.hpp>
#include <fathom/nn/models/small_cnn.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/reduction.hpp>

#include "support/temporary_directory.hpp"

using namespace fathom;

namespace {

Variable images(const Shape& shape, DType dtype, std::uint64_t stream = 3) {
  return Variable{normal(RandomKey{5, stream}, shape, 0.3, 1, dtype)};
}

/// Parameters and statistics as if the net had been trained: none is 0 or 1.
void disturb(nn::Module& net) {
  std::uint64_t stream = 10;
  const auto refill = [&](const std::string& name, Array array) {
    const bool is_scale = name.ends_with("gamma") || name.ends_with("avg_var");
    const bool is_shift =
        name.ends_with("beta") || name.ends_with("avg_mean") || name.ends_with(".b") || name == "b";
    if (is_scale) array.assign(uniform({6, stream++}, array.shape(), 0.7, 1.4, array.dtype()));
    if (is_shift) array.assign(uniform({6, stream++}, array.shape(), -0.5, 0.5, array.dtype()));
  };
  for (auto& [name, value] : net.named_parameters()) refill(name, value.mutable_data());
  for (const auto& [name, value] : net.named_buffers()) refill(name, value);
  net.eval();
}

/// What the model computes before and after folding; how many batch normalizations are folded.
void require_same(nn::Module& net, const Shape& sample, DType dtype, std::size_t count) {
  net.to(dtype);
  disturb(net);
  const Variable x = images(sample, dtype);
  const Array before = net(x).data();
  const nn::FoldReport report = nn::fold_batch_norm(net);
  CHECK(report.folded.size() == count);
  CHECK(report.left.empty());
  // Rounding, of sums that are as large as the largest logit.
  const double largest = ops::max(ops::absolute(Variable{before})).item();
  const double tolerance = (dtype == DType::float32 ? 1e-4 : 1e-12) * largest;
  CHECK(allclose(net(x).data(), before, 0, tolerance));
  for (const auto& [name, value] : net.named_buffers()) CHECK_FALSE(name.ends_with("avg_mean"));
  for (const auto& [name, value] : net.named_parameters()) CHECK_FALSE(name.ends_with("gamma"));
  const NoGradScope no_graph;
  CHECK(allclose(net(x).data(), before, 0, tolerance));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("folded models compute what they computed in evaluation", "[fold]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  Random random{4};
  SECTION("MobileNetV1") {
    nn::MobileNetV1 net{{.classes = 10, .width = 0.25, .small_images = true}, random};
    require_same(net, {2, 3, 32, 32}, dtype, 27);
  }
  SECTION("MobileNetV2") {
    nn::MobileNetV2 net{{.classes = 10, .width = 0.35, .small_images = true}, random};
    require_same(net, {2, 3, 32, 32}, dtype, 52);
  }
  SECTION("MobileNetV3, large") {
    nn::MobileNetV3 net{{.classes = 10, .width = 0.25, .small_images = true}, random};
    require_same(net, {2, 3, 32, 32}, dtype, 46);
  }
  SECTION("MobileNetV3, small") {
    nn::MobileNetV3 net{
        {.size = nn::MobileNetV3Size::small, .classes = 10, .width = 0.25, .small_images = true}, random};
    require_same(net, {2, 3, 32, 32}, dtype, 34);
  }
  SECTION("EfficientNet-B0") {
    nn::EfficientNetB0 net{{.classes = 10, .width = 0.25, .small_images = true}, random};
    require_same(net, {2, 3, 32, 32}, dtype, 49);
  }
  SECTION("ResNet-20") {
    nn::ResNet20 net{{.width = 0.5}, random};
    require_same(net, {2, 3, 16, 16}, dtype, 19);
  }
  SECTION("the small net") {
    nn::SmallCNN net{{}, random};
    require_same(net, {2, 1, 28, 28}, dtype, 2);
  }
}

TEST_CASE("blocks fold themselves", "[fold]") {
  const auto activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  Random random{4};
  const auto check = [&](auto block, const Shape& shape) {
    block.to(DType::float64);
    disturb(block);
    const Variable x = images(shape, DType::float64);
    const Variable before = block(x);
    const Variable shortcut = images(before.shape(), DType::float64, 4);
    const Variable sum_before = block(x, shortcut);
    CHECK(nn::fold_batch_norm(block).folded == Names{"bn"});
    CHECK_FALSE(block.bn);
    CHECK(allclose(block(x).data(), before.data(), 1e-12, 1e-12));
    CHECK(allclose(block(x, shortcut).data(), sum_before.data(), 1e-12, 1e-12));
    CHECK(block.conv.options().bias);
    CHECK(block.conv.options().activation == activation);
  };
  check(
      nn::ConvBatchNorm{4, 6, {.kernel = {3, 2}, .stride = 2, .groups = 2, .activation = activation}, random},
      {2, 4, 7, 6});
  check(
      nn::DepthwiseConvBatchNorm{
          3, {.multiplier = 2, .kernel = 3, .pad = 1, .activation = activation}, random},
      {2, 3, 5, 6});
}

TEST_CASE("Sequential folds neighbours and leaves the names", "[fold]") {
  Random random{5};
  nn::Sequential net{nn::Conv2D{2, 4, {.kernel = 3, .bias = false}, random},
                     nn::BatchNorm2D{4, {.activation = Activation::relu}},
                     nn::DepthwiseConv2D{4, {.multiplier = 2, .kernel = 3}, random},
                     nn::BatchNorm2D{8},
                     nn::Linear{8 * 9, 5, {}, random},
                     nn::BatchNorm2D{5, {.activation = Activation::relu6}},
                     nn::Linear{5, 3, {}, random}};
  net.to(DType::float64);
  disturb(net);
  const Variable W = net.named_parameters()[0].value;
  const Variable x = images({3, 2, 7, 7}, DType::float64);
  const Array before = net(x).data();
  const nn::FoldReport report = nn::fold_batch_norm(net);
  CHECK(report.folded == Names{"1", "3", "5"});
  CHECK(report.left.empty());
  CHECK(allclose(net(x).data(), before, 1e-12, 1e-12));
  Names names;
  for (const auto& [name, value] : net.named_parameters()) names.push_back(name);
  CHECK(names == Names{"0.W", "0.b", "2.W", "2.b", "4.W", "4.b", "6.W", "6.b"});
  CHECK(net.named_parameters()[0].value.is(W));
}

TEST_CASE("what no layer can take in stays plain and is named", "[fold]") {
  struct Plain : nn::Module {
    nn::Conv2D conv;
    nn::BatchNorm2D bn;
    FATHOM_MODULE(conv, bn)
    explicit Plain(Random& random) : conv{4, 4, {.kernel = 1}, random}, bn{4} {}
    Variable forward(const Variable& x) override { return conv(bn(x)); }
  };
  struct Doubling : nn::Conv2D {
    using nn::Conv2D::Conv2D;
    Variable forward(const Variable& x) override { return nn::Conv2D::forward(nn::Conv2D::forward(x)); }
  };
  Random random{6};
  nn::Sequential net{nn::BatchNorm2D{2},  // nothing before it
                     nn::Conv2D{2, 4, {.kernel = 1}, random},
                     nn::ReLU{},
                     nn::BatchNorm2D{4},  // ReLU before it
                     Plain{random},
                     nn::Conv2D{4, 4, {.kernel = 1, .activation = Activation::relu}, random},
                     nn::BatchNorm2D{4},  // an activation before it
                     Doubling{4, 4, {.kernel = 1}, random},
                     nn::BatchNorm2D{4},
                     nn::Sequential{nn::Conv2D{4, 4, {.kernel = 1}, random}},
                     nn::BatchNorm2D{4},
                     nn::Linear{3, 4, {.n_batch_axes = 3}, random},
                     nn::BatchNorm2D{4}};
  disturb(net);
  const Variable x = images({2, 2, 3, 3}, DType::float32);
  const Array before = net(x).data();
  const nn::FoldReport report = nn::fold_batch_norm(net);
  CHECK(report.folded.empty());
  CHECK(report.left == Names{"0", "3", "4.bn", "6", "8", "10", "12"});
  CHECK(identical(net(x).data(), before));
  std::ostringstream text;
  text << report;
  CHECK_THAT(text.str(), Catch::StartsWith(
                             "0 batch normalizations folded, 7 left\n  left: 0\n  left: 3\n  left: 4.bn\n"));
}

TEST_CASE("a batch normalization of other channels or another type is not taken in", "[fold]") {
  Random random{6};
  nn::Conv2D conv{2, 4, {.kernel = 1}, random};
  const Array W = conv.W.data();
  nn::BatchNorm2D other_type{4};
  other_type.to(DType::float64);
  CHECK_FALSE(conv.fold(nn::BatchNorm2D{3}));
  CHECK_FALSE(conv.fold(other_type));
  CHECK(conv.W.data().shares_buffer_with(W));
  CHECK_THROWS_WITH(
      conv.fold(nn::BatchNorm2D{}),
      "fold: gamma has no data yet\n  hint: run a forward, or reset_parameters(sample_shape), first");
}

TEST_CASE("a model that trains, or waits for its sizes, is not folded", "[fold][errors]") {
  Random random{7};
  nn::Sequential net{nn::ConvBatchNorm{2, 4, {.kernel = 1}, random},
                     nn::Sequential{nn::Conv2D{4, 4, {.kernel = 1}, random}, nn::BatchNorm2D{4}}};
  CHECK_THROWS_WITH(
      nn::fold_batch_norm(net),
      "fold_batch_norm: the model is training, and its batch normalizations use the statistics of "
      "each batch\n  hint: call eval() on the model first");
  net.eval();
  static_cast<nn::Sequential&>(net[1])[1].train();
  CHECK_THROWS_WITH(nn::fold_batch_norm(net), Catch::StartsWith("fold_batch_norm: 1.1 is training, and"));
  net.eval();
  net.append(nn::ConvBatchNorm{2, {.kernel = 1}, random});
  net.eval();
  CHECK_THROWS_WITH(nn::fold_batch_norm(net),
                    "fold_batch_norm: 2.conv.W has no data yet\n"
                    "  hint: run a forward, or reset_parameters(sample_shape), first");
  CHECK(static_cast<nn::ConvBatchNorm&>(net[0]).bn);
}

TEST_CASE("a folded model cannot train, and folding again changes nothing", "[fold][errors]") {
  Random random{8};
  nn::Sequential net{nn::ConvBatchNorm{2, 4, {.kernel = 1}, random},
                     nn::DepthwiseConv2D{4, {.kernel = 1}, random}, nn::BatchNorm2D{4},
                     nn::Linear{4, 3, {}, random}, nn::BatchNorm2D{3}};
  net.eval();
  const nn::Sequential unfolded = net;
  CHECK(nn::fold_batch_norm(net).folded == Names{"0.bn", "2", "4"});
  const Variable x = images({2, 2, 1, 1}, DType::float32);
  const Array before = net(x).data();
  CHECK(nn::fold_batch_norm(net).folded.empty());
  CHECK(identical(net(x).data(), before));
  net.train();
  CHECK_THROWS_WITH(net(x),
                    "Conv2D: a batch normalization has been folded into it, so it cannot train\n"
                    "  hint: call eval(); to go on training, fold a copy of the model\n  in: 0.conv");
  CHECK_THROWS_WITH(net[1](images({2, 4, 1, 1}, DType::float32)),
                    Catch::StartsWith("DepthwiseConv2D: a batch normalization has been folded into it"));
  CHECK_THROWS_WITH(net[3](images({2, 4}, DType::float32)),
                    Catch::StartsWith("Linear: a batch normalization has been folded into it"));
  nn::Sequential copy = net;
  CHECK_THROWS_AS(copy(x), GraphError);
  copy.eval();
  CHECK(identical(copy(x).data(), before));
  nn::Sequential other = unfolded;
  other.train();
  CHECK(other(x).shape() == Shape{2, 3});
}

TEST_CASE("weights of a folded model go with models folded the same way", "[fold][serialize]") {
  const TemporaryDirectory folder;
  Random random{9};
  const auto make = [&] { return nn::InvertedResidual{3, 3, {.expanded = 6}, random}; };
  nn::InvertedResidual net = make(), other = make(), plain = make();
  disturb(net);
  const Variable x = images({1, 3, 4, 4}, DType::float32);
  nn::fold_batch_norm(net);
  nn::save(net, folder / "folded.npz");
  other.eval();
  nn::fold_batch_norm(other);
  nn::load(other, folder / "folded.npz");
  CHECK(identical(other(x).data(), net(x).data()));
  CHECK_THROWS_AS(nn::load(plain, folder / "folded.npz"), IoError);
}

TEST_CASE("convolutions and linear layers end in an activation", "[layers]") {
  const auto activation = GENERATE(Activation::relu, Activation::relu6);
  Random first{10}, second{10};
  const auto wanted = [&](const Variable& y) {
    return activation == Activation::relu ? ops::relu(y) : ops::relu6(y);
  };
  const Variable x = images({2, 3, 4, 4}, DType::float32);
  const auto check = [&](auto with, auto without) {
    CHECK(identical(with(x).data(), wanted(without(x)).data()));
  };
  const nn::Initializer wide = nn::init::normal(4);
  check(nn::Conv2D{3, 2, {.kernel = 3, .activation = activation, .initial_W = wide}, first},
        nn::Conv2D{3, 2, {.kernel = 3, .initial_W = wide}, second});
  check(nn::DepthwiseConv2D{3, {.kernel = 3, .activation = activation, .initial_W = wide}, first},
        nn::DepthwiseConv2D{3, {.kernel = 3, .initial_W = wide}, second});
  check(nn::Linear{48, 4, {.activation = activation, .initial_W = wide}, first},
        nn::Linear{48, 4, {.initial_W = wide}, second});
}

TEST_CASE("a convolution adds a residual of its result's shape", "[layers]") {
  Random random{11};
  nn::Conv2D conv{3, 2, {.kernel = 1, .activation = Activation::relu}, random};
  nn::DepthwiseConv2D depthwise{3, {.kernel = 1, .activation = Activation::relu}, random};
  const Variable x = images({2, 3, 4, 4}, DType::float32);
  CHECK_THROWS_WITH(
      conv(x, images({1, 2, 4, 4}, DType::float32)),
      Catch::StartsWith("Conv2D: residual must have the shape [2, 2, 4, 4], that of the result"));
  const Variable like = images({2, 2, 4, 4}, DType::float32);
  const Array recorded = conv(x, like).data();
  {
    const NoGradScope no_graph;
    CHECK(identical(conv(x, like).data(), recorded));
  }
  nn::Conv2D plain = conv;
  plain.W.set_requires_grad(false);
  plain.b.set_requires_grad(false);
  CHECK_FALSE(plain(x, like).requires_grad());
  CHECK(identical(plain(x, like).data(), recorded));
  CHECK(identical(like.data(), images({2, 2, 4, 4}, DType::float32).data()));
  CHECK_THROWS_WITH(conv(x, Variable{}), Catch::StartsWith("Conv2D: residual must not be undefined\n"));
  CHECK_THROWS_WITH(depthwise(x, Variable{}),
                    Catch::StartsWith("DepthwiseConv2D: residual must not be undefined\n"));
}

// SPDX-License-Identifier: BSD-3-Clause
// The snippets of docs/tour.md, word for word but for indentation, and what the page says about them.
#include <fathom/fathom.hpp>
using namespace fathom;

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "support/temporary_directory.hpp"

namespace {

// clang-format off
struct Block : nn::Module {
  nn::DepthwiseConv2D depthwise;
  nn::Conv2D pointwise;
  nn::BatchNorm2D bn;
  FATHOM_MODULE(depthwise, pointwise, bn)
  Block(std::int64_t in, std::int64_t out, std::int64_t stride, Random& random)
      : depthwise{in, {.kernel = 3, .stride = stride, .pad = 1, .bias = false}, random},
        pointwise{in, out, {.kernel = 1, .bias = false}, random},
        bn{out} {}
  Variable forward(const Variable& x) override { return ops::relu(bn(pointwise(depthwise(x)))); }
};

struct Net : nn::Module {
  nn::Conv2D conv;
  nn::Sequential blocks;
  nn::Linear classify;
  FATHOM_MODULE(conv, blocks, classify)
  explicit Net(Random& random)
      : conv{1, 8, {.kernel = 3, .pad = 1}, random},
        blocks{Block{8, 16, 2, random}, Block{16, 32, 2, random}},
        classify{32, 4, {}, random} {}
  Variable forward(const Variable& x) override {
    return classify(ops::global_average_pooling_2d(blocks(ops::relu(conv(x)))));
  }
};
// clang-format on

struct Batch {
  Array images;
  Array labels;
};

/// Labels say in which of four rows of blocks an image is bright.
std::vector<Batch> make_batches(Random& random) {
  std::vector<Batch> batches;
  for (int i = 0; i < 4; ++i) {
    Batch batch{.images = normal(random.key(), {16, 1, 16, 16}, 0, 0.3, DType::float32),
                .labels = Array::empty({16}, DType::int64)};
    float* pixels = batch.images.mutable_data<float>();
    for (std::int64_t n = 0; n < 16; ++n) {
      batch.labels.mutable_data<std::int64_t>()[n] = n % 4;
      for (std::int64_t p = 0; p < 64 * (n % 4); ++p) pixels[n * 256 + p] += 2;
    }
    batches.push_back(batch);
  }
  return batches;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(std::string(FATHOM_SOURCE_DIR "/") + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string without_indentation(const std::string& line) {
  const std::size_t first = line.find_first_not_of(' ');
  return first == std::string::npos ? std::string() : line.substr(first);
}

}  // namespace

TEST_CASE("tour: arrays", "[tour]") {
  Array a = Array::from({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {2, 3});
  Array image = Array::zeros({1, 3, 28, 28}, DType::float32);
  const float* values = a.data<float>();  // a wrong type is a DTypeError
  CHECK(values[5] == 6.0F);
  CHECK(image.size() == 3 * 28 * 28);
  CHECK_THROWS_AS(a.data<double>(), DTypeError);

  Array same = a;
  Array other = a.copy();
  a.mutable_data<float>()[0] = 10.0F;  // same sees it, other does not
  Array rows = a.reshape({3, -1});     // shares the buffer too
  CHECK(same.data<float>()[0] == 10.0F);
  CHECK(other.data<float>()[0] == 1.0F);
  CHECK(rows.shape() == Shape{3, 2});
  CHECK(rows.shares_buffer_with(a));

  Array wide = a.astype(DType::float64);
  CHECK(wide.data<double>()[0] == 10.0);
  CHECK_THROWS_WITH(Variable{a} + Variable{wide}, Catch::Contains("astype"));

  Random random{1};
  Array noise = normal(random.key(), {2, 3, 8, 8}, 0, 1, DType::float32);
  CHECK(identical(noise, normal(Random{1}.key(), {2, 3, 8, 8}, 0, 1, DType::float32)));
}

TEST_CASE("tour: variables and gradients", "[tour]") {
  Variable x{Array::from({1.0, 2.0, 3.0}, {3}), true};
  Variable y = ops::sum(x * x * x);
  backward(y);
  Array slope = x.grad().data();  // 3 x^2: [3, 12, 27]
  CHECK(identical(slope, Array::from({3.0, 12.0, 27.0}, {3})));

  x.zero_grad();
  CHECK_FALSE(x.grad().defined());

  Variable z = ops::sum(x * x * x);
  Variable first = grad({z}, {x}, {}, {.create_graph = true})[0];
  Variable second = grad({ops::sum(first)}, {x})[0];  // 6 x: [6, 12, 18]
  CHECK(identical(second.data(), Array::from({6.0, 12.0, 18.0}, {3})));
  CHECK_FALSE(x.grad().defined());

  {
    const NoGradScope no_grad;
    Variable plain = x * 2.0;  // plain.requires_grad() is false
    CHECK_FALSE(plain.requires_grad());
  }
}

TEST_CASE("tour: depthwise convolution", "[tour]") {
  Random random{1};
  // clang-format off
  Variable photo{normal(random.key(), {4, 8, 16, 16}, 0, 1, DType::float32)};
  Variable W{normal(random.key(), {1, 8, 3, 3}, 0, 0.3, DType::float32), true};  // 1 kernel for each channel
  Variable b{Array::zeros({8}, DType::float32), true};
  Variable features = ops::depthwise_convolution_2d(photo, W, b, {.stride = 2, .pad = 1});  // (4, 8, 8, 8)
  // clang-format on
  CHECK(features.shape() == Shape{4, 8, 8, 8});
  CHECK(features.requires_grad());

  try {
    features = ops::depthwise_convolution_2d(photo, W, b, {.stride = 0});
  } catch (const ValueError& error) {
    std::string text = error.what();
    CHECK(text.starts_with("depthwise_convolution_2d: stride must be at least 1"));
    CHECK(text.find("[4, 8, 16, 16]") != std::string::npos);
  }
  CHECK(features.shape() == Shape{4, 8, 8, 8});
}

TEST_CASE("tour: modules", "[tour]") {
  Random random{1};
  std::vector<std::string> names;

  // clang-format off
  Net net{random};
  Variable scores = net(Variable{Array::zeros({2, 1, 16, 16}, DType::float32)});  // (2, 4)
  for (const auto& [name, parameter] : net.named_parameters()) {
    names.push_back(name);  // "conv.W", "conv.b", "blocks.0.depthwise.W", ...
  }
  // clang-format on
  CHECK(scores.shape() == Shape{2, 4});
  REQUIRE(names.size() == 12);
  CHECK(names[0] == "conv.W");
  CHECK(names[1] == "conv.b");
  CHECK(names[2] == "blocks.0.depthwise.W");
  CHECK_THROWS_WITH(net.blocks(Variable{Array::zeros({2, 3, 16, 16}, DType::float32)}),
                    Catch::EndsWith("\n  in: 0.depthwise"));

  Net copy = net;
  Net moved = std::move(copy);
  CHECK_FALSE(moved.conv.W.is(net.conv.W));
  CHECK(identical(moved.conv.W.data(), net.conv.W.data()));

  nn::Conv2D layer{3, 16, {.kernel = 3, .initial_W = nn::init::he_normal()}, random};
  CHECK(layer.W.shape() == Shape{16, 3, 3, 3});

  nn::Sequential head{nn::Conv2D{16, {.kernel = 3}, random}, nn::Linear{10, {}, random}};
  CHECK_FALSE(head.parameters()[0].defined());
  head.reset_parameters({3, 8, 8});  // or any forward
  CHECK(head.parameters()[2].shape() == Shape{10, 16 * 6 * 6});
}

TEST_CASE("tour: training and saving", "[tour]") {
  Random random{1};
  Net net{random};
  const std::vector<Batch> batches = make_batches(random);
  const int epochs = 10;
  const std::int64_t total_steps = epochs * static_cast<std::int64_t>(batches.size());
  const TemporaryDirectory directory;
  const std::string path = directory / "weights.npz";

  nn::SGD optimizer{net.parameters(), {.rate = 0.05, .momentum = 0.9, .weight_decay = 5e-4}};
  std::int64_t step = 0;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (const auto& [images, labels] : batches) {
      optimizer.set_lr(nn::one_cycle(step++, total_steps, {.peak = 0.1}));
      Variable loss = ops::softmax_cross_entropy(net(Variable{images}), labels);
      backward(loss);
      optimizer.step();
      optimizer.zero_grad();
    }
  }
  CHECK(step == total_steps);

  net.eval();
  const NoGradScope no_grad;
  Variable answers = net(Variable{batches[0].images});
  net.train();
  CHECK(ops::softmax_cross_entropy(answers, batches[0].labels).item() < 0.5);

  nn::save(net, path);
  Net again{random};
  nn::load(again, path);
  again.eval();
  CHECK(identical(again(Variable{batches[0].images}).data(), answers.data()));
}

TEST_CASE("tour: looking inside", "[tour]") {
  Random random{1};
  Net net{random};
  const std::vector<Batch> batches = make_batches(random);

  std::string costs = nn::to_string(nn::summary(net, {1, 16, 16}));
  TimeHook times;
  {
    const HookScope watched{times};
    const DebugScope stops_at_nan;
    backward(ops::softmax_cross_entropy(net(Variable{batches[0].images}), batches[0].labels));
  }
  std::string slowest_first = times.table();
  CHECK(costs.find("blocks.0.depthwise") != std::string::npos);
  CHECK(slowest_first.find("blocks.0.depthwise") != std::string::npos);
}

TEST_CASE("tour: the page's snippets are the ones of this file", "[tour]") {
  std::string source = "\n";
  for (const std::string& line : lines_of("tests/nn/tour_test.cpp")) {
    const std::string text = without_indentation(line);
    if (!text.starts_with("CHECK") && !text.starts_with("// clang-format")) source += text + '\n';
  }
  const std::vector<std::string> page = lines_of("docs/tour.md");
  int snippets = 0;
  for (std::size_t i = 0; i < page.size(); ++i) {
    if (page[i] != "```cpp") continue;
    std::string snippet = "\n";
    for (++i; i < page.size() && page[i] != "```"; ++i) snippet += without_indentation(page[i]) + '\n';
    INFO(snippet);
    CHECK(source.find(snippet) != std::string::npos);
    ++snippets;
  }
  CHECK(snippets == 20);
}

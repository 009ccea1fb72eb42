// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/summary.hpp>

#include <catch2/catch.hpp>
#include <functional>
#include <sstream>

#include <fathom/autograd/hooks.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/layers/flatten.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;

namespace {

/// A parameter of its own, a layer used twice, functions between layers, and a layer that is never called.
struct Block : nn::Module {
  nn::Conv2D conv;
  nn::BatchNorm2D bn;
  Parameter scale;
  nn::Linear unused;
  FATHOM_MODULE(conv, bn, scale, unused)
  explicit Block(Random& random)
      : conv{4, 4, {.kernel = 3, .pad = 1}, random},
        bn{4},
        scale{Array::ones({1}, DType::float32)},
        unused{2, 3, {}, random} {}
  Variable forward(const Variable& x) override { return bn(conv(ops::relu(conv(x)))) * scale; }
};

struct Net : nn::Module {
  nn::Sequential features;
  nn::Dropout dropout;
  nn::Linear classify;
  FATHOM_MODULE(features, dropout, classify)
  explicit Net(Random random)
      : features{nn::Conv2D{3, 4, {.kernel = 3, .pad = 1, .bias = false}, random},
                 nn::DepthwiseConv2D{4, {.kernel = 3, .stride = 2, .pad = 1}, random}, Block{random},
                 nn::Flatten{}},
        dropout{0.5, random},
        classify{4 * 4 * 4, 10, {}, random} {}
  Variable forward(const Variable& x) override { return classify(dropout(features(x))); }
};

NamedArrays state(const nn::Module& module) {
  NamedArrays result;
  for (const auto& [name, value] : module.named_parameters()) result.emplace_back(name, value.data().copy());
  for (const auto& [name, value] : module.named_buffers()) result.emplace_back(name, value.copy());
  return result;
}

}  // namespace

TEST_CASE("a summary has a row for each layer and for functions between layers", "[summary]") {
  Net net{Random{1}};
  const nn::Summary summary = nn::summary(net, {3, 8, 8});
  struct Expected {
    std::string path, kind;
    Shape output;
    std::int64_t parameters, multiply_adds, bytes;
  };
  const std::int64_t conv = 4 * 16 * 4 * 9;
  const std::vector<Expected> expected{
      {"features.0", "Conv2D", {1, 4, 8, 8}, 108, 4 * 64 * 27, 4 * 64 * 4},
      {"features.1", "DepthwiseConv2D", {1, 4, 4, 4}, 40, 4 * 16 * 9, 256},
      {"features.2.conv", "Conv2D", {1, 4, 4, 4}, 148, conv, 256},
      {"features.2", "relu", {1, 4, 4, 4}, 1, 0, 256},
      {"features.2.conv", "Conv2D", {1, 4, 4, 4}, 0, conv, 256},
      {"features.2.bn", "BatchNorm2D", {1, 4, 4, 4}, 8, 0, 256},
      {"features.2", "mul", {1, 4, 4, 4}, 0, 0, 256},
      {"features.3", "Flatten", {1, 64}, 0, 0, 0},
      {"classify", "Linear", {1, 10}, 650, 640, 40},
  };
  REQUIRE(summary.rows.size() == expected.size() + 1);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const nn::SummaryRow& row = summary.rows[i];
    INFO(i << ": " << row.path << ' ' << row.kind);
    CHECK(row.path == expected[i].path);
    CHECK(row.kind == expected[i].kind);
    CHECK(row.output == expected[i].output);
    CHECK(row.parameters == expected[i].parameters);
    CHECK(row.multiply_adds == expected[i].multiply_adds);
    CHECK(row.activation_bytes == expected[i].bytes);
  }
  CHECK(summary.rows.back().path == "features.2.unused");
  CHECK_FALSE(summary.rows.back().output.has_value());
  CHECK(summary.rows.back().parameters == 9);
  CHECK(summary.total.parameters == net.count_parameters());
  CHECK(summary.total.multiply_adds == 4 * 64 * 27 + 4 * 16 * 9 + 2 * conv + 640);
  std::int64_t rows = 0;
  for (const nn::SummaryRow& row : summary.rows) rows += row.parameters;
  CHECK(rows == summary.total.parameters);
}

TEST_CASE("the batch multiplies work and memory", "[summary]") {
  Net net{Random{1}};
  const nn::Summary one = nn::summary(net, {3, 8, 8});
  const nn::Summary three = nn::summary(net, {3, 8, 8}, {.batch = 3});
  CHECK(three.rows[0].output == Shape{3, 4, 8, 8});
  CHECK(three.total.multiply_adds == 3 * one.total.multiply_adds);
  CHECK(three.total.activation_bytes == 3 * one.total.activation_bytes);
  CHECK(three.total.parameters == one.total.parameters);
  net.to(DType::float64);
  CHECK(nn::summary(net, {3, 8, 8}).total.activation_bytes == 2 * one.total.activation_bytes);
}

TEST_CASE("a summary changes nothing", "[summary]") {
  Net net{Random{1}};
  static_cast<void>(net(Variable{Array::ones({2, 3, 8, 8}, DType::float32)}));
  net.features[1].eval();
  const NamedArrays before = state(net);
  static_cast<void>(nn::summary(net, {3, 8, 8}));
  const NamedArrays after = state(net);
  REQUIRE(before.size() == after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    INFO(before[i].first);
    CHECK(identical(before[i].second, after[i].second));
  }
  CHECK(net.is_training());
  CHECK_FALSE(net.features[1].is_training());
  CHECK_FALSE(net.classify.W.grad().defined());
  CHECK(is_recording());
}

TEST_CASE("the table of a summary", "[summary]") {
  Random random{1};
  nn::Sequential net{nn::Conv2D{1, 8, {.kernel = 3, .pad = 1}, random}, nn::ReLU{},
                     nn::Linear{8 * 28 * 28, 10, {}, random}};
  std::ostringstream out;
  out << nn::summary(net, {1, 28, 28});
  CHECK(out.str() ==
        "module  kind    output          parameters  multiply-adds  activations\n"
        "----------------------------------------------------------------------\n"
        "0       Conv2D  [1, 8, 28, 28]          80         56,448     24.5 KiB\n"
        "1       ReLU    [1, 8, 28, 28]           0              0     24.5 KiB\n"
        "2       Linear  [1, 10]             62,730         62,720         40 B\n"
        "----------------------------------------------------------------------\n"
        "total                               62,810        119,168     49.0 KiB\n");
}

TEST_CASE("a layer alone has a summary", "[summary]") {
  Random random{1};
  nn::Linear linear{6, 3, {}, random};
  const nn::Summary summary = nn::summary(linear, {2, 3});
  REQUIRE(summary.rows.size() == 1);
  CHECK(summary.rows[0].kind == "Linear");
  CHECK(summary.rows[0].path.empty());
}

TEST_CASE("a summary needs data, a batch and an x that fits", "[summary][error]") {
  Random random{1};
  nn::Sequential net{nn::Conv2D{4, {.kernel = 3}, random}};
  CHECK_THROWS_WITH(nn::summary(net, {3, 8, 8}),
                    "summary: 0.W has no data yet\n"
                    "  hint: run a forward, or reset_parameters(sample_shape), first");
  CHECK_THROWS_AS(nn::summary(net, {3, 8, 8}), GraphError);
  net.reset_parameters({3, 8, 8});
  CHECK_THROWS_AS(nn::summary(net, {3, 8, 8}, {.batch = 0}), ValueError);
  net[0].eval();
  CHECK_THROWS_AS(nn::summary(net, {2, 8, 8}), ShapeError);
  CHECK(net.is_training());
  CHECK_FALSE(net[0].is_training());
  CHECK(is_recording());
}

namespace {

/// Counts the products of what is applied.
struct Counter : FunctionHook {
  std::int64_t products = 0;
  void after_forward(const Function& f, std::span<const Array> in, std::span<const Array> out) override {
    products += f.multiply_adds(in, out);
  }
};

std::int64_t products_of(const std::function<Variable()>& f) {
  Counter counter;
  const HookScope scope(counter);
  static_cast<void>(f());
  return counter.products;
}

Variable ones(const Shape& shape) { return Variable{Array::ones(shape, DType::float32)}; }

}  // namespace

TEST_CASE("products are counted in sums of products and nowhere else", "[summary]") {
  CHECK(products_of([] {
          return ops::convolution_2d(ones({2, 4, 5, 5}), ones({6, 2, 3, 3}), {}, {.groups = 2});
        }) == 2 * 6 * 9 * (2 * 9));
  CHECK(products_of([] {
          return ops::deconvolution_2d(ones({2, 4, 5, 5}), ones({4, 3, 2, 2}));
        }) == 2 * 4 * 25 * (3 * 4));
  CHECK(products_of([] {
          return ops::depthwise_convolution_2d(ones({2, 3, 5, 5}), ones({2, 3, 3, 3}));
        }) == 2 * 6 * 9 * 9);
  CHECK(products_of([] { return ops::convolution_2d(ones({2, 4, 5, 5}), ones({0, 4, 3, 3})); }) == 0);
  CHECK(products_of([] { return ops::linear(ones({2, 3, 4}), ones({5, 12})); }) == 2 * 5 * 12);
  CHECK(products_of([] { return ops::matmul(ones({7, 2, 3}), ones({3, 4})); }) == 7 * 2 * 3 * 4);
  CHECK(products_of([] {
          return ops::matmul(ones({3, 2}), ones({4, 3}), {.transpose_a = true, .transpose_b = true});
        }) == 2 * 3 * 4);
  CHECK(products_of([] { return ops::sum(ops::relu(ones({3, 2}) * ones({3, 2}))); }) == 0);
}

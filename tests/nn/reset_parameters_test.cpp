// SPDX-License-Identifier: BSD-3-Clause
// Data before the first forward, and what may become data.
#include <catch2/catch.hpp>

#include <fathom/nn/initialization.hpp>
#include <support/error_text.hpp>

#include "deferred_net.hpp"

using namespace fathom;
using test::error_of;
using test::images;
using test::same_state;
using test::waiting;
using Net = test::DeferredNet;

TEST_CASE("reset_parameters gives data and changes nothing else", "[deferred]") {
  Net net{Net::left_out, Random{3}};
  net.block.eval();
  net.reset_parameters({3, 8, 8});
  CHECK(same_state(net, Net{Net::given, Random{3}}));  // running statistics too
  CHECK(net.is_training());
  CHECK(net.conv.is_training());
  CHECK_FALSE(net.block[1].is_training());
  const Array W = net.conv.W.data().copy();
  net.reset_parameters({3, 9, 9});
  CHECK(identical(net.conv.W.data(), W));
}

TEST_CASE("a reset_parameters that fails leaves everything waiting", "[deferred][error]") {
  Net net{Net::left_out, Random{3}};
  net.classify.eval();
  CHECK(error_of([&] { net.reset_parameters({3, 1, 1}); }).find("\n  in: block.0") != std::string::npos);
  CHECK(waiting(net).size() == 8);
  CHECK(net.is_training());
  CHECK_FALSE(net.classify.is_training());
  CHECK(current_module_path().empty());
  static_cast<void>(net(images({2, 2, 8, 8})));  // two channels now: the three above left no trace
  CHECK(net.conv.W.shape() == Shape{4, 2, 3, 3});
}

namespace {
/// Counts its calls, in evaluation too.
struct Counting : nn::Module {
  nn::Buffer calls{Array::zeros({}, DType::int64)};
  FATHOM_MODULE(calls)
  Variable forward(const Variable& x) override {
    ++*calls.mutable_data().mutable_data<std::int64_t>();
    return x;
  }
};
}  // namespace

TEST_CASE("buffers that a forward changes are put back, others are not written", "[deferred]") {
  Random random{1};
  nn::Sequential net{Counting{}, nn::BatchNorm2D{2}, nn::Conv2D{4, {.kernel = 1}, random}};
  const std::uint64_t version = net.named_buffers()[1].value.version();
  net.reset_parameters({2, 3, 3});
  CHECK(net.named_buffers()[0].value.item() == 0);
  CHECK(net.named_buffers()[1].value.version() == version);
  CHECK(net.count_parameters() == 4 + 12);
}

TEST_CASE("what is expected of data is checked and printed", "[deferred][error]") {
  Parameter p = Parameter::deferred({.sizes = {{4, -1}}, .dtype = DType::float32});
  CHECK(describe(p.expected()) == "float32 [4, ?]");
  CHECK(describe(ArraySpec{}) == "any type of any shape");
  CHECK(error_of([&] {
          p.initialize(Array::ones({3, 2}, DType::float32));
        }) ==
        "Parameter: its data must be float32 [4, ?] (got float32 [3, 2])\n  hint: ? stands for any size");
  CHECK(error_of([&] {
          p.initialize(Array::ones({4, 2}, DType::float64));
        }) ==
        "Parameter: its data must be float32 [4, ?] (got float64 [4, 2])\n  hint: convert it with astype");
  CHECK(p.is_waiting());
  p.initialize(Array::ones({4, 2}, DType::float32));
  CHECK(describe(p.expected()) == "float32 [4, 2]");
  p.defer();
  CHECK(p.is_waiting());
  CHECK(describe(p.expected()) == "float32 [4, ?]");

  nn::Buffer buffer = nn::Buffer::deferred({.sizes = {{-1}}, .dtype = DType::int64});
  CHECK(error_of([&] {
          buffer.initialize(Array::ones({2, 2}, DType::int64));
        }) == "Buffer: its data must be int64 [?] (got int64 [2, 2])\n  hint: ? stands for any size");
  buffer.to(DType::float64);
  buffer.initialize(Array::ones({2}, DType::int64));
  CHECK(error_of([&] { buffer.initialize(Array::ones({2}, DType::int64)); }) ==
        "Buffer: it waits for no data (int64 [2])\n  hint: mutable_data() changes what it has");
}

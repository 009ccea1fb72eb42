// SPDX-License-Identifier: BSD-3-Clause
// Files and layers whose sizes are left out.
#include <catch2/catch.hpp>

#include <fathom/core/error.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <support/error_text.hpp>
#include <support/temporary_directory.hpp>

#include "deferred_net.hpp"

using namespace fathom;
using test::error_of;
using test::images;
using test::same_state;
using test::waiting;
using Net = test::DeferredNet;

TEST_CASE("batch normalization gives data to what a file lacks", "[deferred][serialize]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "bn.npz";
  const Array three = Array::full({3}, 2, DType::float32);
  const auto load = [&](nn::BatchNorm2D& bn, const NamedArrays& arrays) {
    save_npz(path, arrays);
    nn::load(bn, path, {.may_lack = [](std::string_view) { return true; }});
  };
  const bool training = GENERATE(true, false);
  nn::BatchNorm2D bn;
  bn.train(training);
  SECTION("running statistics") {
    load(bn, {{"gamma", three}, {"beta", three}});
    CHECK(bn(images({2, 3, 4, 4})).shape() == Shape{2, 3, 4, 4});
    CHECK(bn.avg_mean.data().shape() == Shape{3});
    CHECK(bn.avg_var.data().shape() == Shape{3});
  }
  SECTION("one of them") {
    load(bn, {{"gamma", three}, {"beta", three}, {"avg_mean", three}});
    CHECK(bn(images({2, 3, 4, 4})).shape() == Shape{2, 3, 4, 4});
    CHECK(bn.avg_var.defined());
  }
  SECTION("the channels are gamma's, and x is refused") {
    load(bn, {{"gamma", three}});
    const std::string text = error_of([&] { static_cast<void>(bn(images({2, 4, 4, 4}))); });
    CHECK(text.find("gamma") != std::string::npos);
    CHECK(waiting(bn) == std::vector<std::string>{"beta"});
    CHECK(bn.named_buffers().empty());
    static_cast<void>(bn(images({2, 3, 4, 4})));
    CHECK(bn.beta.shape() == Shape{3});
  }
}

TEST_CASE("loading sets the sizes", "[deferred][serialize]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "net.npz";
  const Net saved{Net::given, Random{3}};
  nn::save(saved, path);
  Net net{Net::left_out, Random{4}};
  const Variable handle = net.conv.W;
  nn::load(net, path);
  CHECK(same_state(net, saved));
  CHECK(net.conv.W.is(handle));
  CHECK(identical(net(images({2, 3, 8, 8})).data(), Net(saved)(images({2, 3, 8, 8})).data()));
}

TEST_CASE("a file whose known sizes differ is refused and nothing changes", "[deferred][serialize][error]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "conv.npz";
  Random random{1};
  nn::save(nn::Conv2D{3, 4, {.kernel = 5}, random}, path);
  nn::Conv2D conv{4, {.kernel = 3}, random};
  const std::string text = error_of([&] { nn::load(conv, path); });
  CHECK(text.find("\n  shape: W is float32 [4, 3, 5, 5] in the file, float32 [4, ?, 3, 3] in the module\n") !=
        std::string::npos);
  CHECK(waiting(conv) == std::vector<std::string>{"W", "b"});
}

TEST_CASE("saving and counting need data, and name what has none", "[deferred][error]") {
  const TemporaryDirectory directory;
  Net net{Net::left_out, Random{3}};
  static_cast<void>(net.conv(images({2, 3, 8, 8})));
  const std::string rest =
      ": block.0.W has no data yet\n  hint: run a forward, or reset_parameters(sample_shape), first";
  CHECK(error_of([&] { nn::save(net, directory / "net.npz"); }) == "save" + rest);
  CHECK(error_of([&] { static_cast<void>(net.count_parameters()); }) == "count_parameters" + rest);
  CHECK_THROWS_AS(net.count_parameters(), GraphError);
  CHECK(directory.count() == 0);
  net.reset_parameters({3, 8, 8});
  CHECK(net.count_parameters() == 4 * 3 * 9 + 4 + 4 * 2 * 9 + 8 + 8 + 8 + 5 * 8 + 5);
}

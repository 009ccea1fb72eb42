// SPDX-License-Identifier: BSD-3-Clause
// Layers whose sizes are left out.
#include <catch2/catch.hpp>
#include <functional>
#include <memory>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>
#include <support/temporary_directory.hpp>

using namespace fathom;

namespace {

Variable images(const Shape& shape, DType dtype = DType::float32) {
  return Variable{normal(RandomKey{7, 7}, shape, 0.5, 2, dtype)};
}

/// The same network with sizes and without them.
struct Net : nn::Module {
  nn::Conv2D conv;
  nn::Sequential block;
  nn::Linear classify;
  FATHOM_MODULE(conv, block, classify)
  enum Sizes { given, left_out };
  Net(Sizes sizes, Random random)
      : conv{sizes == given ? nn::Conv2D{3, 4, {.kernel = 3, .pad = 1}, random}
                            : nn::Conv2D{4, {.kernel = 3, .pad = 1}, random}},
        block{sizes == given ? nn::DepthwiseConv2D{4, {.multiplier = 2, .kernel = 3}, random}
                             : nn::DepthwiseConv2D{{.multiplier = 2, .kernel = 3}, random},
              sizes == given ? nn::BatchNorm2D{8} : nn::BatchNorm2D{}},
        classify{sizes == given ? nn::Linear{8, 5, {.initial_b = nn::init::normal(1)}, random}
                                : nn::Linear{5, {.initial_b = nn::init::normal(1)}, random}} {}
  Variable forward(const Variable& x) override {
    return classify(ops::global_average_pooling_2d(ops::relu(block(conv(x)))));
  }
};

NamedArrays state(const nn::Module& module) {
  NamedArrays result;
  for (const auto& [name, value] : module.named_parameters()) result.emplace_back(name, value.data());
  for (const auto& [name, value] : module.named_buffers()) result.emplace_back(name, value);
  return result;
}

bool same_state(const nn::Module& a, const nn::Module& b) {
  const NamedArrays left = state(a), right = state(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](const auto& l, const auto& r) {
    return l.first == r.first && identical(l.second, r.second);
  });
}

std::vector<std::string> waiting(const nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, value] : module.named_parameters()) {
    if (!value.defined()) names.push_back(name);
  }
  return names;
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a size left out is that of the first x, and the values are the same", "[deferred]") {
  Net with{Net::given, Random{3}};
  Net without{Net::left_out, Random{3}};
  CHECK(waiting(without).size() == 8);
  const Variable x = images({2, 3, 8, 8});
  CHECK(identical(without(x).data(), with(x).data()));
  CHECK(waiting(without).empty());
  CHECK(same_state(without, with));
}

TEST_CASE("the order of first calls does not matter", "[deferred]") {
  Random one{5}, other{5};
  nn::Linear a{4, {}, one}, b{4, {}, one};
  nn::Linear c{4, {}, other}, d{4, {}, other};
  const Variable x = images({2, 3});
  static_cast<void>(a(x));
  static_cast<void>(b(x));
  static_cast<void>(d(x));
  static_cast<void>(c(x));
  CHECK(identical(a.W.data(), c.W.data()));
  CHECK(identical(b.W.data(), d.W.data()));
  CHECK_FALSE(identical(a.W.data(), b.W.data()));
}

TEST_CASE("groups, batch axes and layers without bias take their sizes too", "[deferred]") {
  Random random{1}, same{1};
  nn::Conv2D grouped{4, {.kernel = {3, 1}, .groups = 2, .bias = false}, random};
  nn::Conv2D grouped_with{6, 4, {.kernel = {3, 1}, .groups = 2, .bias = false}, same};
  static_cast<void>(grouped(images({1, 6, 5, 5})));
  CHECK(identical(grouped.W.data(), grouped_with.W.data()));
  CHECK_FALSE(grouped.b.exists());
  nn::Linear rows{4, {.n_batch_axes = 2}, random};
  CHECK(rows(images({2, 3, 5, 2})).shape() == Shape{2, 3, 4});
  CHECK(rows.W.shape() == Shape{4, 10});
}

TEST_CASE("an optimizer made before the first forward trains what comes", "[deferred]") {
  Net with{Net::given, Random{3}};
  Net without{Net::left_out, Random{3}};
  nn::SGD first{with.parameters(), {.rate = 0.1, .momentum = 0.9}};
  nn::SGD second{without.parameters(), {.rate = 0.1, .momentum = 0.9}};
  const Array labels = Array::from({std::int64_t{0}, std::int64_t{3}}, {2});
  for (int step = 0; step < 3; ++step) {
    for (auto* side : {&with, &without}) {
      nn::SGD& optimizer = side == &with ? first : second;
      optimizer.zero_grad();
      backward(ops::softmax_cross_entropy((*side)(images({2, 3, 8, 8})), labels));
      optimizer.step();
    }
  }
  CHECK(same_state(with, without));
  CHECK_FALSE(identical(with.classify.W.data(), Net(Net::given, Random{3}).classify.W.data()));
}

TEST_CASE("a second x of other channels is the op's ordinary error", "[deferred][error]") {
  Random random{1};
  nn::Conv2D conv{4, {.kernel = 1}, random};
  static_cast<void>(conv(images({1, 3, 4, 4})));
  CHECK(error_of([&] {
          static_cast<void>(conv(images({1, 2, 4, 4})));
        }).starts_with("convolution_2d: W must have cI / groups channels (x has 2, groups is 1, W has 3)\n"));
}

TEST_CASE("a first x that does not fit is the op's error and leaves no sizes behind", "[deferred][error]") {
  Random random{1};
  nn::Conv2D conv{4, {.kernel = 3, .groups = 2}, random};
  nn::DepthwiseConv2D depthwise{{.kernel = 3}, random};
  nn::Linear linear{4, {}, random};
  nn::BatchNorm2D bn;
  struct Misfit {
    nn::Module* layer;
    Variable x;
    std::string text;
  };
  const std::vector<Misfit> misfits{
      Misfit{&conv, images({1, 3, 4, 4}),
             "convolution_2d: groups must divide the channels of x (groups is 2, x has 3)"},
      Misfit{&conv, images({1, 4, 2, 4}), "convolution_2d: hO must be positive"},
      Misfit{&conv, images({4, 4}), "convolution_2d: x must have 4 axes"},
      Misfit{&conv, images({1, 4, 4, 4}, DType::float64), "convolution_2d: W must have the dtype of x"},
      Misfit{&conv, Variable{}, "convolution_2d: x must not be undefined"},
      Misfit{&conv, images({1, 0, 4, 4}), "convolution_2d: "},
      Misfit{&depthwise, images({1, 3, 2, 2}), "depthwise_convolution_2d: the kernel must not be "},
      Misfit{&depthwise, images({3}), "depthwise_convolution_2d: x must have 4 axes"},
      Misfit{&linear, images({3}), "linear: x must have at least one axis more than n_batch_axes"},
      Misfit{&linear, Variable{}, "linear: x must not be undefined"},
      Misfit{&bn, images({3}), "batch_normalization: "},
      Misfit{&bn, Variable{}, "batch_normalization: x must not be undefined"}};
  for (const Misfit& misfit : misfits) {
    INFO(misfit.text);
    const std::size_t count = waiting(*misfit.layer).size();
    CHECK(error_of([&] { static_cast<void>((*misfit.layer)(misfit.x)); }).starts_with(misfit.text));
    CHECK(waiting(*misfit.layer).size() == count);
    CHECK(misfit.layer->named_buffers().empty());
  }
}

TEST_CASE("a later layer that refuses x takes the sizes from those before it", "[deferred][error]") {
  Random random{1};
  nn::Sequential net{nn::Conv2D{4, {.kernel = 1}, random}, nn::BatchNorm2D{},
                     nn::Sequential{nn::Conv2D{5, {.kernel = 3}, random}, nn::Linear{2, {}, random}}};
  const std::size_t count = waiting(net).size();
  CHECK(error_of([&] {
          static_cast<void>(net(images({1, 7, 2, 2})));
        }).starts_with("convolution_2d: hO must be positive"));
  CHECK(waiting(net).size() == count);
  CHECK(net.named_buffers().empty());
  CHECK(net(images({1, 3, 4, 4})).shape() == Shape{1, 2});
  CHECK(net.named_parameters()[0].value.shape() == Shape{4, 3, 1, 1});
  // What has its data keeps it.
  CHECK(error_of([&] { static_cast<void>(net(images({1, 3, 2, 2}))); }) != "no error");
  CHECK(waiting(net).empty());
}

TEST_CASE("an outer module may go on after the exception of an inner one", "[deferred][error]") {
  struct Either : nn::Module {
    nn::Sequential first;
    nn::Linear second;
    FATHOM_MODULE(first, second)
    explicit Either(Random random)
        : first{nn::Conv2D{4, {.kernel = 1}, random}, nn::Conv2D{4, {.kernel = 3}, random}},
          second{2, {}, random} {}
    Variable forward(const Variable& x) override {
      try {
        return first(x);
      } catch (const Error&) {
        return second(x);
      }
    }
  };
  Either net{Random{1}};
  CHECK(net(images({1, 7, 2, 2})).shape() == Shape{1, 2});
  CHECK_FALSE(net.second.W.is_waiting());
  CHECK(waiting(net.first).back() == "1.b");  // the layer that refused x has no sizes
}

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

TEST_CASE("the first x may be an empty batch", "[deferred]") {
  Random random{1};
  nn::Linear linear{4, {}, random};
  CHECK(linear(images({0, 3})).shape() == Shape{0, 4});
  CHECK(linear.W.shape() == Shape{4, 3});
}

TEST_CASE("copies of a layer without sizes are independent and get equal values; moves keep the handles",
          "[deferred]") {
  Random random{1};
  nn::Conv2D layer{4, {.kernel = 1}, random};
  const Variable handle = layer.W;
  nn::Conv2D copy = layer;
  nn::Conv2D moved = std::move(layer);
  CHECK(moved.W.is(handle));
  static_cast<void>(moved(images({1, 3, 4, 4})));
  CHECK(handle.shape() == Shape{4, 3, 1, 1});
  CHECK_FALSE(copy.W.defined());
  static_cast<void>(copy(images({1, 2, 4, 4})));
  CHECK(copy.W.shape() == Shape{4, 2, 1, 1});
  nn::Conv2D again{1, {.kernel = 1}, random};
  again = moved;
  CHECK(identical(again.W.data(), moved.W.data()));
  CHECK_FALSE(again.W.is(moved.W));
}

TEST_CASE("to before the first forward gives the values of to after it", "[deferred]") {
  Net before{Net::left_out, Random{3}};
  Net after{Net::given, Random{3}};
  before.to(DType::float64);
  after.to(DType::float64);
  CHECK(before.dtype() == DType::float64);
  CHECK(error_of([&] {
          static_cast<void>(before(images({2, 3, 8, 8})));
        }).find("dtype") != std::string::npos);
  const Variable x = images({2, 3, 8, 8}, DType::float64);
  CHECK(identical(before(x).data(), after(x).data()));
  CHECK(same_state(before, after));
}

TEST_CASE("frozen before it has data, a parameter stays frozen", "[deferred]") {
  Random random{1};
  nn::Linear layer{4, {}, random};
  layer.W.set_requires_grad(false);
  const Variable y = layer(images({2, 3}));
  backward(std::vector<Variable>{y}, std::vector<Variable>{Variable{Array::ones({2, 4}, DType::float32)}});
  CHECK_FALSE(layer.W.grad().defined());
  CHECK(layer.b.grad().defined());
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

// SPDX-License-Identifier: BSD-3-Clause
// Layers whose sizes are left out.
#include <catch2/catch.hpp>
#include <functional>
#include <memory>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>
#include <support/error_text.hpp>

#include "deferred_net.hpp"

using namespace fathom;
using test::error_of;
using test::images;
using test::same_state;
using test::waiting;
using Net = test::DeferredNet;

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

// SPDX-License-Identifier: BSD-3-Clause
// Activations, flattening and dropout as modules.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/layers/flatten.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/reduction.hpp>
#include <support/temporary_directory.hpp>

using namespace fathom;

namespace {

Variable values(const Shape& shape) {
  return Variable{normal(RandomKey{7, 7}, shape, 0, 4, DType::float32), true};
}

}  // namespace

TEST_CASE("activations are their functions, with their options", "[layers]") {
  struct Case {
    std::shared_ptr<nn::Module> layer;
    std::function<Variable(const Variable&)> function;
    std::string name;
  };
  const auto make = []<class Layer>(Layer layer, auto function, const char* name) {
    return Case{std::make_shared<Layer>(layer), function, name};
  };
  const Case c = GENERATE_COPY(
      make(
          nn::ReLU{}, [](const Variable& x) { return ops::relu(x); }, "ReLU"),
      make(
          nn::ReLU6{}, [](const Variable& x) { return ops::relu6(x); }, "ReLU6"),
      make(
          nn::Sigmoid{}, [](const Variable& x) { return ops::sigmoid(x); }, "Sigmoid"),
      make(
          nn::Tanh{}, [](const Variable& x) { return ops::tanh(x); }, "Tanh"),
      make(
          nn::ClippedReLU{}, [](const Variable& x) { return ops::clipped_relu(x); }, "ClippedReLU"),
      make(
          nn::ClippedReLU{2}, [](const Variable& x) { return ops::clipped_relu(x, 2); }, "ClippedReLU"),
      make(
          nn::LeakyReLU{}, [](const Variable& x) { return ops::leaky_relu(x); }, "LeakyReLU"),
      make(
          nn::LeakyReLU{0.5}, [](const Variable& x) { return ops::leaky_relu(x, 0.5); }, "LeakyReLU"),
      make(
          nn::HardSigmoid{}, [](const Variable& x) { return ops::hard_sigmoid(x); }, "HardSigmoid"),
      make(
          nn::HardSigmoid{0.125}, [](const Variable& x) { return ops::hard_sigmoid(x, 0.125); },
          "HardSigmoid"),
      make(
          nn::ELU{}, [](const Variable& x) { return ops::elu(x); }, "ELU"),
      make(
          nn::ELU{0.5}, [](const Variable& x) { return ops::elu(x, 0.5); }, "ELU"),
      make(
          nn::SELU{}, [](const Variable& x) { return ops::selu(x); }, "SELU"),
      make(
          nn::Softplus{2}, [](const Variable& x) { return ops::softplus(x, 2); }, "Softplus"),
      make(
          nn::SiLU{}, [](const Variable& x) { return ops::swish(x); }, "SiLU"),
      make(
          nn::HardSwish{}, [](const Variable& x) { return ops::hard_swish(x); }, "HardSwish"),
      make(
          nn::GELU{}, [](const Variable& x) { return ops::gelu(x); }, "GELU"),
      make(
          nn::GELU{ops::GeluForm::tanh}, [](const Variable& x) { return ops::gelu(x, ops::GeluForm::tanh); },
          "GELU"),
      make(
          nn::Mish{}, [](const Variable& x) { return ops::mish(x); }, "Mish"),
      make(
          nn::CReLU{0}, [](const Variable& x) { return ops::crelu(x, 0); }, "CReLU"),
      make(
          nn::Maxout{4}, [](const Variable& x) { return ops::maxout(x, 4); }, "Maxout"),
      make(
          nn::Maxout{5, 0}, [](const Variable& x) { return ops::maxout(x, 5, 0); }, "Maxout"),
      make(
          nn::Softmax{}, [](const Variable& x) { return ops::softmax(x); }, "Softmax"),
      make(
          nn::LogSoftmax{0}, [](const Variable& x) { return ops::log_softmax(x, 0); }, "LogSoftmax"));
  INFO(c.name);
  const Variable x = values({5, 40});
  CHECK(identical((*c.layer)(x).data(), c.function(x).data()));
  CHECK((*c.layer)(x).requires_grad());
  CHECK(nn::type_name(*c.layer) == c.name);
  CHECK(c.layer->parameters().empty());
}

TEST_CASE("PReLU learns one slope or one for each channel", "[layers]") {
  const Variable x = values({5, 3, 4});
  nn::PReLU one;
  CHECK(one.W.shape() == Shape{});
  CHECK(identical(one(x).data(), ops::leaky_relu(x, 0.25).data()));
  nn::PReLU each{{3}, 0.5};
  CHECK(each.W.shape() == Shape{3});
  CHECK(identical(each(x).data(), ops::prelu(x, Variable{Array::full({3}, 0.5, DType::float32)}).data()));
  backward(ops::sum(each(x)));
  CHECK(each.W.grad().shape() == Shape{3});
}

TEST_CASE("Swish learns its beta, of the first sample's shape unless it is told", "[layers]") {
  const Variable x = values({5, 3, 4});
  nn::Swish deferred;
  CHECK(deferred.beta.is_waiting());
  CHECK(identical(deferred(x).data(), ops::swish(x).data()));
  CHECK(deferred.beta.shape() == Shape{3, 4});
  CHECK_THROWS_AS(deferred(values({5, 4, 3})), ShapeError);
  nn::Swish each{Shape{3}, 2};
  CHECK(identical(each(x).data(), ops::swish(x, 2).data()));
  backward(ops::sum(each(x)));
  CHECK(each.beta.grad().shape() == Shape{3});

  nn::Swish failed;
  CHECK_THROWS_AS(failed(values({})), ShapeError);
  CHECK(failed.beta.is_waiting());
}

TEST_CASE("Flatten keeps the samples and shares the data", "[layers]") {
  nn::Flatten flatten;
  const Variable x = values({2, 3, 4, 5});
  const Variable y = flatten(x);
  CHECK(y.shape() == Shape{2, 60});
  CHECK(y.data().shares_buffer_with(x.data()));
  CHECK(flatten(values({0, 3, 4})).shape() == Shape{0, 12});
  CHECK(flatten(values({3})).shape() == Shape{3, 1});
  CHECK_THROWS_WITH(flatten(values({})),
                    "Flatten: x must have an axis of samples (it has no axes)\n"
                    "  x: float32 []  (n, d...)\n"
                    "  hint: reshape it to {1, 1}");
  CHECK_THROWS_AS(flatten(Variable{}), GraphError);
}

TEST_CASE("Dropout drops while training, otherwise at each call, and is the identity in evaluation",
          "[layers][dropout]") {
  Random random{1};
  nn::Dropout layer{0.25, random};
  const Variable x{Array::ones({4, 250}, DType::float32), true};
  const Variable first = layer(x);
  const Variable second = layer(x);
  CHECK_FALSE(identical(first.data(), second.data()));
  const float* y = first.data().data<float>();
  const auto dropped = std::count(y, y + 1000, 0.F);
  CHECK(dropped > 190);
  CHECK(dropped < 310);
  CHECK(std::count(y, y + 1000, 1 / 0.75F) == 1000 - dropped);
  layer.eval();
  CHECK(layer(x).is(x));
  CHECK(layer.counter.data().item() == 2);
  CHECK_FALSE(identical(nn::Dropout(0.25, random)(x).data(), first.data()));  // a key of its own
}

TEST_CASE("StochasticDepth drops samples while training, and is the identity in evaluation",
          "[layers][dropout][stochastic_depth]") {
  Random random{1};
  nn::StochasticDepth layer{0.5, random};
  const Variable x = values({32, 3});
  const auto* bits = layer.key.data().data<std::int64_t>();
  const RandomKey key{static_cast<std::uint64_t>(bits[0]), static_cast<std::uint64_t>(bits[1])};
  for (std::uint64_t call = 0; call < 2; ++call) {
    CHECK(identical(layer(x).data(), ops::stochastic_depth(x, {.ratio = 0.5}, key, call).data()));
  }
  CHECK(*layer.counter.data().data<std::int64_t>() == 2);
  layer.eval();
  CHECK(identical(layer(x).data(), x.data()));
  CHECK_THROWS_WITH(nn::StochasticDepth(1, random),
                    "StochasticDepth: ratio must be at least 0 and less than 1 (it is 1)\n"
                    "  hint: it is the share that is dropped, not the share that is kept");
}

TEST_CASE("Dropout goes on with the same masks after saving, loading and copying", "[layers][dropout]") {
  const TemporaryDirectory directory;
  Random random{1};
  nn::Sequential net{nn::Dropout{0.5, random}};
  const Variable x{Array::ones({3, 50}, DType::float32)};
  static_cast<void>(net(x));
  nn::save(net, directory / "net.npz");
  nn::Sequential copy = net;
  const Array next = net(x).data();
  CHECK(identical(copy(x).data(), next));

  Random other{99};
  nn::Sequential loaded{nn::Dropout{0.5, other}};
  CHECK_FALSE(identical(loaded(x).data(), next));
  nn::load(loaded, directory / "net.npz");
  CHECK(identical(loaded(x).data(), next));
}

TEST_CASE("a call of Dropout that fails does not count", "[layers][dropout][error]") {
  Random random{1};
  nn::Dropout layer{0.5, random};
  CHECK_THROWS_AS(layer(Variable{}), GraphError);
  CHECK(layer.counter.data().item() == 0);
  CHECK_THROWS_WITH(nn::Dropout(1, random),
                    "Dropout: ratio must be at least 0 and less than 1 (it is 1)\n"
                    "  hint: it is the share that is dropped, not the share that is kept");
  CHECK_THROWS_AS(nn::Dropout(-0.1, random), ValueError);
}

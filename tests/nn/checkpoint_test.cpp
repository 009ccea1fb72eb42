// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checkpoint.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/models/mobilenet_v2.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

using namespace fathom;

namespace {

Variable images(const Shape& shape) { return Variable{normal(RandomKey{5, 3}, shape, 0, 1, DType::float32)}; }

/// Two steps of training without an optimiser; the net's state and gradients are what they left.
template <class F>
void train(const Variable& x, F forward) {
  for (int step = 0; step < 2; ++step) {
    const Variable y = forward(x);
    backward(ops::sum(y * y));
  }
}

void require_same(const nn::Module& a, const nn::Module& b) {
  const auto parameters = a.named_parameters(), others = b.named_parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    INFO(parameters[i].name);
    REQUIRE(parameters[i].value.grad().defined());
    CHECK(identical(parameters[i].value.grad().data(), others[i].value.grad().data()));
  }
  const auto buffers = a.named_buffers(), other_buffers = b.named_buffers();
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    INFO(buffers[i].name);
    CHECK(identical(buffers[i].value, other_buffers[i].value));
  }
}

}  // namespace

TEST_CASE("a checkpoint moves running statistics once and repeats what dropout dropped", "[checkpoint]") {
  Random random{2};
  nn::Sequential plain{nn::Conv2D{3, 8, {.kernel = 3, .bias = false}, random},
                       nn::BatchNorm2D{8},
                       nn::Dropout{0.5, random},
                       nn::ReLU{},
                       nn::Conv2D{8, 4, {.kernel = 1}, random},
                       nn::StochasticDepth{0.5, random}};
  nn::Sequential again = plain, nested = plain;
  const Variable x = images({4, 3, 6, 6});
  train(x, [&](const Variable& in) { return plain(in); });
  train(x, [&](const Variable& in) { return ops::checkpoint(std::ref(again), in); });
  require_same(again, plain);
  train(x, [&](const Variable& in) {
    return ops::checkpoint([&](const Variable& h) { return ops::checkpoint(std::ref(nested), h); }, in);
  });
  require_same(nested, plain);
  CHECK_FALSE(identical(plain.named_buffers()[0].value, Array::zeros({8}, DType::float32)));
}

TEST_CASE("a net of checkpointed blocks learns the same with less memory", "[checkpoint]") {
  Random random{3};
  nn::MobileNetV2 plain{{.classes = 10, .width = 0.35, .small_images = true}, random};
  nn::MobileNetV2 again = plain;
  const Variable x = images({8, 3, 32, 32});
  const auto peak_of = [&](const auto& forward) {
    const std::int64_t before = memory_statistics().bytes_in_use;
    reset_peak_memory();
    train(x, forward);
    return memory_statistics().peak_bytes - before;
  };
  const std::int64_t peak = peak_of([&](const Variable& in) { return plain(in); });
  const std::int64_t peak_again = peak_of([&](const Variable& in) {
    Variable h = in;
    for (std::size_t i = 0; i < again.features.size(); ++i)
      h = ops::checkpoint(std::ref(again.features[i]), h);
    return again.classify(ops::global_average_pooling_2d(h));
  });
  require_same(again, plain);
  CHECK(2 * peak_again < peak);
}

TEST_CASE("sizes that wait are taken in a checkpoint's first run", "[checkpoint]") {
  Random first{4}, second{4};
  nn::Sequential waiting{nn::Conv2D{8, {.kernel = 3, .bias = false}, first}, nn::BatchNorm2D{}};
  nn::Sequential given{nn::Conv2D{3, 8, {.kernel = 3, .bias = false}, second}, nn::BatchNorm2D{8}};
  const Variable x = images({2, 3, 5, 5});
  train(x, [&](const Variable& in) { return ops::checkpoint(std::ref(waiting), in); });
  train(x, [&](const Variable& in) { return given(in); });
  require_same(waiting, given);
}

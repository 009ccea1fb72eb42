// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>
#include <memory>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/layers/pooling2d.hpp>
#include <fathom/nn/optim/adam.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "support/restore.hpp"

using namespace fathom;

namespace {

/// Images of noise with a bright quarter, and which quarter it is.
struct Batch {
  Array images;
  Array labels;
};

Batch quarters(std::int64_t count, RandomKey key) {
  Batch batch{.images = normal(key, {count, 1, 8, 8}, 0, 0.5, DType::float32),
              .labels = Array::empty({count}, DType::int64)};
  float* pixels = batch.images.mutable_data<float>();
  auto* labels = batch.labels.mutable_data<std::int64_t>();
  for (std::int64_t n = 0; n < count; ++n) {
    labels[n] = n % 4;
    for (std::int64_t y = 0; y < 4; ++y) {
      for (std::int64_t x = 0; x < 4; ++x) {
        pixels[n * 64 + (n % 4 / 2 * 4 + y) * 8 + n % 2 * 4 + x] += 1;
      }
    }
  }
  return batch;
}

nn::Sequential make_net(Random& random) {
  return nn::Sequential{nn::Conv2D{1, 8, {.kernel = 3, .pad = 1, .bias = false}, random},
                        nn::BatchNorm2D{8},
                        nn::ReLU{},
                        nn::DepthwiseConv2D{8, {.multiplier = 2, .kernel = 3, .stride = 2, .pad = 1}, random},
                        nn::ReLU{},
                        nn::Conv2D{16, 16, {.kernel = 1}, random},
                        nn::MaxPool2D{{.kernel = 2}},
                        nn::Linear{64, 4, {}, random}};
}

double train_step(nn::Module& net, nn::Optimizer& optimizer, const Batch& batch) {
  const Variable loss = ops::softmax_cross_entropy(net(Variable{batch.images}), batch.labels);
  backward(loss);
  optimizer.step();
  optimizer.zero_grad();
  return loss.item();
}

std::unique_ptr<nn::Optimizer> make_optimizer(bool adam, const nn::Module& net) {
  if (adam) return std::make_unique<nn::Adam>(net.parameters(), nn::AdamOptions{.rate = 0.01});
  return std::make_unique<nn::SGD>(net.parameters(),
                                   nn::SGDOptions{.rate = 0.05, .momentum = 0.9, .weight_decay = 1e-4});
}

Arrays weights_after(int threads, bool adam) {
  set_num_threads(threads);
  Random random{4};
  nn::Sequential net{nn::Dropout{0.2, random}, make_net(random)};
  const auto optimizer = make_optimizer(adam, net);
  const Batch batch = quarters(32, random.key());
  for (int step = 0; step < 4; ++step) static_cast<void>(train_step(net, *optimizer, batch));
  Arrays weights;
  for (const Variable& parameter : net.parameters()) weights.push_back(parameter.data());
  for (const auto& [name, value] : net.named_buffers()) weights.push_back(value);
  return weights;
}

}  // namespace

TEST_CASE("a small net learns, and every step gives its memory back", "[training]") {
  Random random{2};
  nn::Sequential net = make_net(random);
  const auto optimizer = make_optimizer(GENERATE(false, true), net);
  const Batch batch = quarters(32, random.key());
  const double first = train_step(net, *optimizer, batch);
  static_cast<void>(train_step(net, *optimizer, batch));

  // Gradients and state exist now: from here on a step leaves nothing behind and asks the system for
  // nothing.
  const MemoryStatistics start = memory_statistics();
  const bool caching = show_config().find("address") == std::string::npos;
  double last = first;
  for (int step = 2; step < 30; ++step) {
    last = train_step(net, *optimizer, batch);
    const MemoryStatistics now = memory_statistics();
    REQUIRE(now.bytes_in_use == start.bytes_in_use);
    if (caching) REQUIRE(now.system_allocations == start.system_allocations);
  }
  CHECK(first > 1);
  CHECK(last < 0.1);

  const Batch unseen = quarters(64, random.key());
  net.eval();
  const NoGradScope no_grad;
  const Variable scores = net(Variable{unseen.images});
  CHECK_FALSE(scores.requires_grad());
  CHECK(ops::softmax_cross_entropy(scores, unseen.labels).item() < 0.3);
}

TEST_CASE("training gives the same bits for any number of threads", "[training]") {
  const test::RestoreSettings restore;
  const detail::FineGrain fine;  // the net is small
  set_isa(GENERATE(from_range(supported_isas())));
  const bool adam = GENERATE(false, true);
  const Arrays one = weights_after(1, adam);
  const std::int64_t before = detail::shared_loops();
  for (const int threads : {2, 3, 5}) {
    const Arrays more = weights_after(threads, adam);
    REQUIRE(one.size() == more.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO(to_string(active_isa()) << ", array " << i << ", " << threads << " threads");
      CHECK(identical(one[i], more[i]));
    }
  }
  CHECK(detail::shared_loops() > before);
}

TEST_CASE("an exception inside a net leaves parameters, memory and the next step sound",
          "[training][error]") {
  Random random{2};
  nn::Sequential net = make_net(random);
  nn::SGD optimizer{net.parameters(), {.rate = 0.05, .momentum = 0.9}};
  const Batch batch = quarters(8, random.key());
  static_cast<void>(train_step(net, optimizer, batch));
  static_cast<void>(train_step(net, optimizer, batch));
  const std::int64_t start = memory_statistics().bytes_in_use;
  {
    const Batch wrong{.images = Array::ones({8, 1, 12, 12}, DType::float32), .labels = batch.labels};
    CHECK_THROWS_WITH(train_step(net, optimizer, wrong),
                      Catch::Contains("linear: ") && Catch::EndsWith("\n  in: 7"));
  }
  CHECK(memory_statistics().bytes_in_use == start);
  static_cast<void>(train_step(net, optimizer, batch));
  CHECK(memory_statistics().bytes_in_use == start);
}

// SPDX-License-Identifier: BSD-3-Clause
// What docs/graph.md says of several threads.
#include <fathom/fathom.hpp>
using namespace fathom;

#include <catch2/catch.hpp>
#include <memory>
#include <thread>

namespace {

constexpr int kThreads = 4;

/// Runs f(0), f(1), ... each in a thread of its own.
template <class F>
void in_threads(F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&f, i] { f(static_cast<std::size_t>(i)); });
  for (std::thread& thread : threads) thread.join();
}

struct Net : nn::Module {
  nn::Conv2D conv;
  nn::BatchNorm2D bn;
  nn::DepthwiseConv2D depthwise;
  nn::Linear classify;
  FATHOM_MODULE(conv, bn, depthwise, classify)
  explicit Net(std::uint64_t seed) : Net(std::make_unique<Random>(seed)) {}
  Variable forward(const Variable& x) override {
    return classify(ops::global_average_pooling_2d(ops::relu(depthwise(ops::relu(bn(conv(x)))))));
  }

 private:
  explicit Net(const std::unique_ptr<Random>& random)
      : conv{1, 8, {.kernel = 3, .pad = 1}, *random},
        bn{8},
        depthwise{8, {.kernel = 3, .pad = 1}, *random},
        classify{8, 3, {}, *random} {}
};

Array images(std::uint64_t seed) { return normal({seed, 99}, {8, 1, 12, 12}, 0, 1, DType::float32); }

/// The weights of the first layer after some steps.
Array trained(std::uint64_t seed) {
  Net net{seed};
  nn::SGD optimizer{net.parameters(), {.rate = 0.1, .momentum = 0.9}};
  const Array labels = Array::from<std::int64_t>({0, 1, 2, 0, 1, 2, 0, 1}, {8});
  for (int step = 0; step < 5; ++step) {
    optimizer.zero_grad();
    backward(ops::softmax_cross_entropy(net(Variable(images(seed))), labels));
    optimizer.step();
  }
  return net.conv.W.data();
}

}  // namespace

TEST_CASE("several threads train nets of their own, and disturb nothing", "[threads]") {
  Arrays alone(kThreads), together(kThreads);
  for (std::size_t i = 0; i < kThreads; ++i) alone[i] = trained(i);
  in_threads([&](std::size_t i) { together[i] = trained(i); });
  for (std::size_t i = 0; i < kThreads; ++i) CHECK(identical(together[i], alone[i]));
}

TEST_CASE("one net predicts in several threads", "[threads]") {
  Net net{1};
  net.eval();
  const auto predict = [&](std::size_t i) {
    const NoGradScope no_graph;  // each thread has its own
    return net(Variable(images(i))).data();
  };
  Arrays alone(kThreads), together(kThreads);
  for (std::size_t i = 0; i < kThreads; ++i) alone[i] = predict(i);
  for (int repeat = 0; repeat < 10; ++repeat) {
    in_threads([&](std::size_t i) { together[i] = predict(i); });
    for (std::size_t i = 0; i < kThreads; ++i) CHECK(identical(together[i], alone[i]));
  }
}

TEST_CASE("a scope without graph is its thread's alone", "[threads]") {
  const NoGradScope no_graph;
  std::vector<char> recording(kThreads, 0);
  in_threads([&](std::size_t i) { recording[i] = is_recording() ? 1 : 0; });
  for (const char is_on : recording) CHECK(is_on == 1);
  CHECK_FALSE(is_recording());
}

TEST_CASE("arrays made in one thread are used and freed in another", "[threads]") {
  Arrays made(kThreads), copies(kThreads);
  in_threads([&](std::size_t i) { made[i] = images(i); });
  in_threads([&](std::size_t i) {
    const Array mine = std::move(made[(i + 1) % kThreads]);
    copies[(i + 1) % kThreads] = mine.copy();
  });
  for (std::size_t i = 0; i < kThreads; ++i) {
    CHECK_FALSE(made[i].defined());
    CHECK(identical(copies[i], images(i)));
  }
}

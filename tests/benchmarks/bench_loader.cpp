// SPDX-License-Identifier: BSD-3-Clause
// Times what a DataLoader takes for an image of 28 x 28 with each transform and with all, beside a training
// step of the network of examples/040_fashion_mnist.cpp. Prints a line of JSON. `bench_loader --help` lists
// the options.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/flip.hpp>
#include <fathom/nn/data/random_crop.hpp>
#include <fathom/nn/data/random_erasing.hpp>
#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/depthwise_separable.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "benchmarks/command_line.hpp"
#include "benchmarks/measure.hpp"

namespace fathom::benchmarks {
namespace {

struct LoaderSettings {
  std::int64_t images = 60000, batch = 64, workers = 0;
  int threads = 0;
  double seconds = 1;
};

LoaderSettings parse(std::vector<std::string> words) {
  LoaderSettings settings;
  CLI::App app{"Times a data loader beside a training step."};
  app.add_option("--images", settings.images, "in the set")->check(positive())->capture_default_str();
  app.add_option("--batch", settings.batch, "images in a batch")->check(positive())->capture_default_str();
  app.add_option("--workers", settings.workers, "of the loader")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--threads", settings.threads, "threads (default: one for each core)")->check(positive());
  app.add_option("--seconds", settings.seconds, "for each measurement")
      ->check(positive())
      ->capture_default_str();
  parse_words(app, std::move(words));
  return settings;
}

Array random_bytes(const Shape& shape) {
  return uniform({1, 1}, shape, 0, 256, DType::float32).astype(DType::uint8);
}

/// Microseconds for an image of whole epochs.
double loading(const LoaderSettings& settings, const Array& images, nn::Transform transform) {
  nn::DataLoader loader(images, Array::zeros({settings.images}, DType::int64),
                        {.batch = settings.batch,
                         .mean = {0.2860},
                         .deviation = {0.3530},
                         .workers = settings.workers,
                         .transform = std::move(transform)});
  float sum = 0;
  const Times times = measure({.seconds = settings.seconds, .at_least = 3, .warm_up = 1}, [&] {
    for (const nn::Batch& batch : loader) sum += batch.images.data<float>()[0];
  });
  asm volatile("" : : "r"(&sum) : "memory");
  return times.median_ms * 1e3 / static_cast<double>(settings.images);
}

/// Microseconds for an image of training steps.
double training(const LoaderSettings& settings) {
  Random random{1};
  nn::Sequential features{
      nn::ConvBatchNorm{1, 24, {.kernel = 3, .pad = 1, .activation = Activation::relu}, random},
      nn::DepthwiseSeparable{24, 64, {.stride = 2}, random},
      nn::DepthwiseSeparable{64, 64, {}, random},
      nn::DepthwiseSeparable{64, 128, {.stride = 2}, random},
      nn::DepthwiseSeparable{128, 128, {}, random},
      nn::DepthwiseSeparable{128, 128, {}, random}};
  nn::Linear classify{128, 10, {}, random};
  Variables parameters = features.parameters();
  for (const Variable& parameter : classify.parameters()) parameters.push_back(parameter);
  nn::SGD optimizer{parameters, {.rate = 0.01, .momentum = 0.9, .weight_decay = 5e-4}};
  const Variable images{normal({1, 2}, {settings.batch, 1, 28, 28}, 0, 1, DType::float32)};
  const Array labels = Array::zeros({settings.batch}, DType::int64);
  const Times times = measure({.seconds = settings.seconds, .at_least = 3}, [&] {
    const Variable scores = classify(ops::global_average_pooling_2d(features(images)));
    backward(ops::softmax_cross_entropy(scores, labels));
    optimizer.step();
    optimizer.zero_grad();
  });
  return times.median_ms * 1e3 / static_cast<double>(settings.batch);
}

int run(std::vector<std::string> words) {
  const LoaderSettings settings = parse(std::move(words));
  if (settings.threads > 0) set_num_threads(settings.threads);
  const Array images = random_bytes({settings.images, 28, 28});
  const std::vector<std::pair<std::string, nn::Transform>> transforms{
      {"none", nullptr},
      {"flip", nn::alternating_flip()},
      {"shift", nn::random_shift(2)},
      {"erase", nn::random_erasing()},
      {"all", nn::compose({nn::alternating_flip(), nn::random_shift(2), nn::random_erasing()})}};
  nlohmann::ordered_json loader;
  for (const auto& [name, transform] : transforms) loader[name] = loading(settings, images, transform);
  const double step = training(settings), all = loader["all"];
  std::cout << nlohmann::ordered_json{{"images", settings.images},      {"batch", settings.batch},
                                      {"workers", settings.workers},    {"threads", num_threads()},
                                      {"isa", to_string(active_isa())}, {"loader_us_per_image", loader},
                                      {"step_us_per_image", step},      {"share", all / (all + step)}}
                   .dump()
            << '\n';
  return 0;
}

}  // namespace
}  // namespace fathom::benchmarks

int main(int argc, char** argv) {
  return fathom::benchmarks::run_program([&] { return fathom::benchmarks::run({argv + 1, argv + argc}); });
}

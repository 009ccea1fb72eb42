// SPDX-License-Identifier: BSD-3-Clause
// Trains a small depthwise-separable network on Fashion-MNIST, saves its weights, and says how many of the
// 10000 test images it gets right. `040_fashion_mnist --help` lists the options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

#include <fathom/core/file.hpp>
#include <fathom/fathom.hpp>

using namespace fathom;

namespace {

struct Settings {
  std::string data = nn::kFashionMnistDirectory;
  int epochs = 5;
  int batch = 64;
  int threads = 0;
  std::uint64_t seed = 1;
  double lr = 0.1;
  std::string out = "out";
  std::string load;
  std::string checkpoints;
  std::int64_t limit = 0;
  bool quiet = false;
};

/// A 3x3 filter for each channel, then 1x1 across the channels: a convolution in two cheap parts.
struct Separable : nn::Module {
  nn::DepthwiseConv2D depthwise;
  nn::BatchNorm2D bn1;
  nn::Conv2D pointwise;
  nn::BatchNorm2D bn2;
  FATHOM_MODULE(depthwise, bn1, pointwise, bn2)

  Separable(std::int64_t in, std::int64_t out, std::int64_t stride, Random& random)
      : depthwise{in, {.kernel = 3, .stride = stride, .pad = 1, .bias = false}, random},
        bn1{in},
        pointwise{in, out, {.kernel = 1, .bias = false, .initial_W = nn::init::he_normal()}, random},
        bn2{out} {}

  Variable forward(const Variable& x) override {
    const Variable h = ops::relu(bn1(depthwise(x)));
    return ops::relu(bn2(pointwise(h)));
  }
};

/// x (n, 1, 28, 28), y (n, 10): 28 x 28 pixels, then 14 x 14, then 7 x 7, where most of the weights are.
struct Net : nn::Module {
  nn::Conv2D stem;
  nn::BatchNorm2D bn;
  nn::Sequential blocks;
  nn::Linear classify;
  FATHOM_MODULE(stem, bn, blocks, classify)

  explicit Net(Random& random)
      : stem{1, 24, {.kernel = 3, .pad = 1, .bias = false}, random},
        bn{24},
        blocks{Separable{24, 64, 2, random}, Separable{64, 64, 1, random}, Separable{64, 128, 2, random},
               Separable{128, 128, 1, random}, Separable{128, 128, 1, random}},
        classify{128, 10, {}, random} {}

  Variable forward(const Variable& x) override {
    const Variable h = blocks(ops::relu(bn(stem(x))));
    return classify(ops::global_average_pooling_2d(h));
  }
};

/// The first `count` images with their labels, all of them for 0.
nn::ImageSet first(const nn::ImageSet& set, std::int64_t count) {
  const Shape& shape = set.images.shape();
  if (count == 0 || count >= shape[0]) return set;
  const auto pixels = static_cast<std::size_t>(count * shape[1] * shape[2]);
  return {Array::from(std::span(set.images.data<std::uint8_t>(), pixels), {count, shape[1], shape[2]}),
          Array::from(std::span(set.labels.data<std::int64_t>(), static_cast<std::size_t>(count)), {count})};
}

nn::DataLoader make_loader(const nn::ImageSet& set, const Settings& settings, bool shuffle) {
  // Mean and deviation of all training pixels.
  return {set.images,
          set.labels,
          {.batch = settings.batch,
           .shuffle = shuffle,
           .seed = settings.seed,
           .mean = {0.2860},
           .deviation = {0.3530}}};
}

/// False when it was interrupted.
bool train(Net& net, const nn::DataLoader& loader, const Settings& settings) {
  nn::SGD optimizer{net.parameters(), {.momentum = 0.9, .weight_decay = 5e-4}};
  const auto rate = [&](std::int64_t step, std::int64_t steps) {
    return nn::one_cycle(step, steps, {.peak = settings.lr});
  };
  nn::train::Trainer trainer{
      net,
      optimizer,
      loader,
      {.epochs = settings.epochs, .schedule = rate, .checkpoints = settings.checkpoints}};
  nn::train::Progress progress;
  if (!settings.quiet) trainer.add(progress);
  return trainer.run().ending != nn::train::Ending::interrupted;
}

/// Path of the weights, in a directory that exists and may be written to: found out before the work, not
/// after.
std::string prepare_output(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw IoError(fmt::format("{}: cannot be created: {}\n  hint: name another directory with --out",
                              directory, error.message()));
  }
  std::string path = (std::filesystem::path(directory) / "weights.npz").string();
  require_writable(path);
  return path;
}

/// The status to end with.
int run(const Settings& settings) {
  if (settings.threads > 0) set_num_threads(settings.threads);
  const std::string weights = settings.epochs > 0 ? prepare_output(settings.out) : "";
  const nn::FashionMnist data = nn::load_fashion_mnist(settings.data);
  Random random{settings.seed};
  Net net{random};
  if (!settings.load.empty()) nn::load(net, settings.load);
  if (settings.epochs > 0) {
    constexpr int kInterrupted = 130;  // what shells say after Ctrl-C
    if (!train(net, make_loader(first(data.train, settings.limit), settings, true), settings))
      return kInterrupted;
    nn::save(net, weights);
    if (!settings.quiet) fmt::print("weights saved in {}\n", weights);
  }
  const auto result =
      nn::train::evaluate(net, make_loader(first(data.test, settings.limit), settings, false));
  fmt::print("test accuracy {:.2f} %\n", 100 * result.accuracy);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app{"Trains a small depthwise-separable network on Fashion-MNIST."};
  app.add_option("--data", settings.data, "directory of the four data files")->capture_default_str();
  app.add_option("--epochs", settings.epochs, "passes over the training images")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--batch", settings.batch, "images in a step")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", settings.threads, "threads (default: one for each core)")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", settings.seed, "of first weights and order of images")->capture_default_str();
  app.add_option("--lr", settings.lr, "highest learning rate of the one cycle")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--out", settings.out, "directory for weights.npz")->capture_default_str();
  app.add_option("--load", settings.load, "start from these weights; with --epochs 0: only test them");
  app.add_option(
      "--checkpoints", settings.checkpoints,
      "directory: keep the state of the training there after each epoch and on Ctrl-C, and go on from "
      "what is there");
  app.add_option("--limit", settings.limit, "use only so many images of either set")
      ->check(CLI::PositiveNumber);
  app.add_flag("--quiet", settings.quiet, "print the last line only");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  try {
    return run(settings);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

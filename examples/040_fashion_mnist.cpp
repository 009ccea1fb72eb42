// SPDX-License-Identifier: BSD-3-Clause
// Trains a small depthwise-separable network on Fashion-MNIST, saves its weights, and says how many of the
// 10000 test images it gets right. `040_fashion_mnist --help` lists the options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fathom/core/file.hpp>
#include <fathom/fathom.hpp>

using namespace fathom;

namespace {

/// A block of the network: its channels, and 2 where it halves the size.
struct Stage {
  std::int64_t channels, stride;
};

/// What is trained, for how long, and how the images are changed.
struct Recipe {
  std::string name;
  std::int64_t stem;  ///< channels of the first convolution
  std::vector<Stage> stages;
  int epochs;
  double lr;               ///< highest learning rate of the one cycle
  double weight_decay;     ///< of the weights of convolutions and of the linear layer
  double label_smoothing;  ///< share of the target that goes to all classes alike
  std::int64_t shift = 0;  ///< pixels that images are moved by at most
  double erase = 0;        ///< probability that a rectangle of an image is erased
  double average = 0;      ///< decay of the averaged weights; 0: none are kept
};

/// The more often an image is seen, the more it has to change.
const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> table{
      {.name = "default",
       .stem = 24,
       .stages = {{64, 2}, {64, 1}, {128, 2}, {128, 1}, {128, 1}},
       .epochs = 8,
       .lr = 0.1,
       .weight_decay = 5e-4,
       .label_smoothing = 0.05},
      {.name = "ten-minutes",
       .stem = 32,
       .stages = {{64, 2}, {96, 1}, {160, 2}, {160, 1}, {160, 1}, {160, 1}},
       .epochs = 22,
       .lr = 0.15,
       .weight_decay = 5e-4,
       .label_smoothing = 0.1,
       .shift = 1,
       .average = 0.999},
      {.name = "long",
       .stem = 32,
       .stages = {{96, 2}, {128, 1}, {224, 2}, {224, 1}, {224, 1}, {224, 1}, {224, 1}},
       .epochs = 52,
       .lr = 0.15,
       .weight_decay = 2e-4,
       .label_smoothing = 0.1,
       .shift = 1,
       .erase = 0.2,
       .average = 0.999},
  };
  return table;
}

struct Settings {
  std::string data = nn::kFashionMnistDirectory;
  std::string recipe = "default";
  std::optional<int> epochs;
  int batch = 64;
  int threads = 0;
  std::uint64_t seed = 1;
  std::optional<double> lr;
  std::string out = "out";
  std::string load;
  std::string checkpoints;
  std::string log;
  std::int64_t limit = 0;
  bool mirror = false;
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
        bn1{in, {.activation = Activation::relu}},
        pointwise{in, out, {.kernel = 1, .bias = false, .initial_W = nn::init::he_normal()}, random},
        bn2{out, {.activation = Activation::relu}} {}

  Variable forward(const Variable& x) override { return bn2(pointwise(bn1(depthwise(x)))); }
};

nn::Sequential make_blocks(const Recipe& recipe, Random& random) {
  nn::Sequential blocks;
  std::int64_t in = recipe.stem;
  for (const auto& [out, stride] : recipe.stages) {
    blocks.append(Separable{in, out, stride, random});
    in = out;
  }
  return blocks;
}

/// x (n, 1, 28, 28), y (n, 10): 28 x 28 pixels, then 14 x 14, then 7 x 7, where most of the weights are.
struct Net : nn::Module {
  nn::Conv2D stem;
  nn::BatchNorm2D bn;
  nn::Sequential blocks;
  nn::Linear classify;
  FATHOM_MODULE(stem, bn, blocks, classify)

  Net(const Recipe& recipe, Random& random)
      : stem{1, recipe.stem, {.kernel = 3, .pad = 1, .bias = false}, random},
        bn{recipe.stem, {.activation = Activation::relu}},
        blocks{make_blocks(recipe, random)},
        classify{recipe.stages.back().channels, 10, {}, random} {}

  Variable forward(const Variable& x) override {
    const Variable h = blocks(bn(stem(x)));
    return classify(ops::global_average_pooling_2d(h));
  }
};

/// The mean of what a net says of each image and of its mirror image.
struct Mirrored : nn::Module {
  Net& net;
  FATHOM_MODULE(net)

  explicit Mirrored(Net& of) : net{of} {}

  Variable forward(const Variable& x) override { return (net(x) + net(ops::flip(x, 3))) * 0.5; }
};

/// The first `count` images with their labels, all of them for 0.
nn::ImageSet first(const nn::ImageSet& set, std::int64_t count) {
  const Shape& shape = set.images.shape();
  if (count == 0 || count >= shape[0]) return set;
  const auto pixels = static_cast<std::size_t>(count * shape[1] * shape[2]);
  return {Array::from(std::span(set.images.data<std::uint8_t>(), pixels), {count, shape[1], shape[2]}),
          Array::from(std::span(set.labels.data<std::int64_t>(), static_cast<std::size_t>(count)), {count})};
}

constexpr double kMean = 0.2860, kDeviation = 0.3530;  // of all training pixels

nn::DataLoader make_loader(const nn::ImageSet& set, const Settings& settings, bool shuffle,
                           nn::Transform transform = {}) {
  return {set.images,
          set.labels,
          {.batch = settings.batch,
           .shuffle = shuffle,
           .seed = settings.seed,
           .mean = {kMean},
           .deviation = {kDeviation},
           .transform = std::move(transform)}};
}

/// Flips every image in every second epoch, and what else the recipe says.
nn::Transform augmentation(const Recipe& recipe) {
  const std::vector<double> black{-kMean / kDeviation};
  std::vector<nn::Transform> transforms{nn::alternating_flip()};
  if (recipe.shift > 0) transforms.push_back(nn::random_shift(recipe.shift, black));
  if (recipe.erase > 0) transforms.push_back(nn::random_erasing({.p = recipe.erase}));
  return nn::compose(std::move(transforms));
}

/// Where this training keeps its checkpoints, and by which option another place is named.
struct Place {
  std::string directory;
  std::string_view option;
};

Place place_of_checkpoints(const Settings& settings) {
  if (!settings.checkpoints.empty()) return {settings.checkpoints, "--checkpoints"};
  return {(std::filesystem::path(settings.out) / "checkpoints").string(), "--out"};
}

/// What is left of another training is not gone on with: says what to do in terms of this program.
nn::train::Ending run_trainer(nn::train::Trainer& trainer, const Place& checkpoints) {
  try {
    return trainer.run().ending;
  } catch (const nn::train::OtherTrainingError& error) {
    throw IoError(fmt::format("{}\n  hint: remove {} to begin anew, or name another directory with {}",
                              error.what(), checkpoints.directory, checkpoints.option));
  }
}

/// Writes the weights, or their averages, when it is done; false when it was interrupted. Checkpoints in a
/// directory that the user did not name go when they are no longer needed. The test images are looked at for
/// the log alone: nothing is chosen by them.
bool train(Net& net, const nn::FashionMnist& data, const Recipe& recipe, const Settings& settings,
           const std::string& weights) {
  const nn::DataLoader loader =
      make_loader(first(data.train, settings.limit), settings, true, augmentation(recipe));
  nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9, .weight_decay = recipe.weight_decay}};
  const Place checkpoints = place_of_checkpoints(settings);
  nn::train::TrainerOptions options{.epochs = recipe.epochs,
                                    .label_smoothing = recipe.label_smoothing,
                                    .checkpoints = checkpoints.directory};
  options.schedule = [&](std::int64_t step, std::int64_t steps) {
    return nn::one_cycle(step, steps, {.peak = recipe.lr});
  };
  if (recipe.average > 0) options.ema = nn::train::EmaOptions{.decay = recipe.average};
  nn::train::Trainer trainer{net, optimizer, loader, std::move(options)};
  nn::train::Progress progress;
  if (!settings.quiet) trainer.add(progress);
  std::optional<nn::train::JsonLog> log;
  if (!settings.log.empty()) {
    trainer.validate_on(make_loader(first(data.test, settings.limit), settings, false));
    trainer.add(log.emplace(settings.log));
  }
  if (run_trainer(trainer, checkpoints) == nn::train::Ending::interrupted) return false;
  trainer.save_weights(weights);
  if (settings.checkpoints.empty()) nn::train::Checkpoints{checkpoints.directory}.clear();
  return true;
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

/// The recipe of the name, as the other options change it.
Recipe chosen_recipe(const Settings& settings) {
  Recipe recipe = *std::find_if(recipes().begin(), recipes().end(),
                                [&](const Recipe& each) { return each.name == settings.recipe; });
  recipe.epochs = settings.epochs.value_or(recipe.epochs);
  recipe.lr = settings.lr.value_or(recipe.lr);
  return recipe;
}

/// The status to end with.
int run(const Settings& settings) {
  if (settings.threads > 0) set_num_threads(settings.threads);
  const Recipe recipe = chosen_recipe(settings);
  const std::string weights = recipe.epochs > 0 ? prepare_output(settings.out) : "";
  const nn::FashionMnist data = nn::load_fashion_mnist(settings.data);
  Random random{settings.seed};
  Net net{recipe, random};
  if (!settings.load.empty()) nn::load(net, settings.load);
  if (recipe.epochs > 0) {
    constexpr int kInterrupted = 130;  // what shells say after Ctrl-C
    if (!train(net, data, recipe, settings, weights)) return kInterrupted;
    nn::load(net, weights);
    if (!settings.quiet) fmt::print("weights saved in {}\n", weights);
  }
  const nn::DataLoader test = make_loader(first(data.test, settings.limit), settings, false);
  fmt::print("test accuracy {:.2f} %\n", 100 * nn::train::evaluate(net, test).accuracy);
  if (settings.mirror) {
    Mirrored both{net};
    fmt::print("with mirror images {:.2f} %\n", 100 * nn::train::evaluate(both, test).accuracy);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app{"Trains a small depthwise-separable network on Fashion-MNIST."};
  app.add_option("--data", settings.data, "directory of the four data files")->capture_default_str();
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.push_back(recipe.name);
  app.add_option("--recipe", settings.recipe, "what is trained, and for how long")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  app.add_option("--epochs", settings.epochs, "passes over the training images (default: the recipe's)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--batch", settings.batch, "images in a step")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", settings.threads, "threads (default: one for each core)")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", settings.seed, "of first weights and order of images")->capture_default_str();
  app.add_option("--lr", settings.lr, "highest learning rate of the one cycle (default: the recipe's)")
      ->check(CLI::PositiveNumber);
  app.add_option("--out", settings.out, "directory for weights.npz")->capture_default_str();
  app.add_option("--load", settings.load, "start from these weights; with --epochs 0: only test them");
  app.add_option(
      "--checkpoints", settings.checkpoints,
      "directory: keep the state of the training there after each epoch and on Ctrl-C, and go on from "
      "what is there (default: checkpoints in --out, until the weights are written)");
  app.add_option("--log", settings.log,
                 "file: a line of JSON for each epoch, with the accuracy on the test images");
  app.add_flag("--mirror", settings.mirror,
               "test a second time with the mean of what the net says of each image and of its mirror image");
  app.add_option("--limit", settings.limit, "use only so many images of either set")
      ->check(CLI::PositiveNumber);
  app.add_flag("--quiet", settings.quiet, "print accuracies only; notes go to standard error");
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

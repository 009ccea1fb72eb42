// SPDX-License-Identifier: BSD-3-Clause
// Trains a small depthwise-separable network on Fashion-MNIST, saves its weights, and says how many of the
// 10000 test images it gets right. `040_fashion_mnist --help` lists the options.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
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

/// Seconds since it was made.
class Clock {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Shows how far the training is: a bar on a terminal, else one line for each epoch.
class Progress {
 public:
  Progress(int epochs, std::int64_t images_per_epoch, bool quiet)
      : epochs_(epochs),
        images_per_epoch_(images_per_epoch),
        quiet_(quiet),
        bar_(isatty(STDOUT_FILENO) == 1) {}

  void start_epoch() {
    ++epoch_;
    images_ = correct_ = 0;
    loss_ = 0;
  }
  void add(std::int64_t images, std::int64_t correct, double loss) {
    images_ += images;
    correct_ += correct;
    loss_ += loss * static_cast<double>(images);
    constexpr double kBetween = 0.1;
    if (quiet_ || !bar_ || (clock_.seconds() - shown_ < kBetween && images_ < images_per_epoch_)) return;
    shown_ = clock_.seconds();
    constexpr std::int64_t kWidth = 20;
    const auto filled = static_cast<std::size_t>(kWidth * images_ / images_per_epoch_);
    const auto left = static_cast<int>(static_cast<double>(total() - done()) / rate());
    fmt::print("\r\x1b[Kepoch {}/{} [{:<{}}] loss {:.4f}, {:.0f} images/s, {}:{:02} left", epoch_, epochs_,
               std::string(filled, '='), kWidth, mean_loss(), rate(), left / 60, left % 60);
    std::fflush(stdout);
  }
  void end_epoch() const {
    if (quiet_) return;
    fmt::print("{}epoch {}/{}: loss {:.4f}, accuracy {:.2f} %, {:.0f} images/s, {:.0f} s\n",
               bar_ ? "\r\x1b[K" : "", epoch_, epochs_, mean_loss(),
               100 * static_cast<double>(correct_) / static_cast<double>(images_), rate(), clock_.seconds());
    std::fflush(stdout);
  }

 private:
  [[nodiscard]] std::int64_t done() const { return (epoch_ - 1) * images_per_epoch_ + images_; }
  [[nodiscard]] std::int64_t total() const { return epochs_ * images_per_epoch_; }
  [[nodiscard]] double rate() const { return static_cast<double>(done()) / clock_.seconds(); }
  [[nodiscard]] double mean_loss() const { return loss_ / static_cast<double>(images_); }

  int epochs_, epoch_ = 0;
  std::int64_t images_per_epoch_, images_ = 0, correct_ = 0;
  double loss_ = 0, shown_ = 0;
  bool quiet_, bar_;
  Clock clock_;
};

/// How many rows of `scores` (n, classes) are highest at their label.
std::int64_t count_correct(const Array& scores, const Array& labels) {
  const std::int64_t classes = scores.shape(1);
  const auto* row = scores.data<float>();
  const auto* label = labels.data<std::int64_t>();
  std::int64_t correct = 0;
  for (std::int64_t i = 0; i < labels.size(); ++i, row += classes) {
    correct += std::max_element(row, row + classes) - row == label[i] ? 1 : 0;
  }
  return correct;
}

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

void train(Net& net, nn::DataLoader loader, const Settings& settings) {
  nn::SGD optimizer{net.parameters(), {.momentum = 0.9, .weight_decay = 5e-4}};
  Progress progress{settings.epochs, loader.images_per_epoch(), settings.quiet};
  const std::int64_t steps = settings.epochs * loader.size();
  std::int64_t step = 0;
  net.train();
  for (int epoch = 0; epoch < settings.epochs; ++epoch) {
    progress.start_epoch();
    for (const auto& [images, labels] : loader) {
      optimizer.set_lr(nn::one_cycle(step++, steps, {.peak = settings.lr}));
      const Variable scores = net(Variable{images});
      const Variable loss = ops::softmax_cross_entropy(scores, labels);
      backward(loss);
      optimizer.step();
      optimizer.zero_grad();
      progress.add(labels.size(), count_correct(scores.data(), labels), loss.data().item());
    }
    progress.end_epoch();
  }
}

/// Share of the images whose class is found.
double accuracy(Net& net, nn::DataLoader loader) {
  const NoGradScope no_grad;
  net.eval();
  std::int64_t correct = 0;
  for (const auto& [images, labels] : loader) correct += count_correct(net(Variable{images}).data(), labels);
  return static_cast<double>(correct) / static_cast<double>(loader.images_per_epoch());
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

void run(const Settings& settings) {
  if (settings.threads > 0) set_num_threads(settings.threads);
  const std::string weights = settings.epochs > 0 ? prepare_output(settings.out) : "";
  const nn::FashionMnist data = nn::load_fashion_mnist(settings.data);
  Random random{settings.seed};
  Net net{random};
  if (!settings.load.empty()) nn::load(net, settings.load);
  if (settings.epochs > 0) {
    train(net, make_loader(first(data.train, settings.limit), settings, true), settings);
    nn::save(net, weights);
    if (!settings.quiet) fmt::print("weights saved in {}\n", weights);
  }
  const double share = accuracy(net, make_loader(first(data.test, settings.limit), settings, false));
  fmt::print("test accuracy {:.2f} %\n", 100 * share);
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
  app.add_option("--limit", settings.limit, "use only so many images of either set")
      ->check(CLI::PositiveNumber);
  app.add_flag("--quiet", settings.quiet, "print the last line only");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  try {
    run(settings);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// The code in docs/logging.md and in comments of nn/train/log, word for word; it is run here.
#include <catch2/catch.hpp>

#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <fathom/fathom.hpp>

#include "support/temporary_directory.hpp"

using namespace fathom;

namespace {

void train(nn::Module& net, nn::Optimizer& optimizer, nn::DataLoader loader, std::int64_t epochs,
           const std::vector<nn::train::Callback*>& callbacks) {
  for (nn::train::Callback* callback : callbacks) callback->on_start(0);
  std::int64_t step = 0;
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
    double loss_sum = 0;
    for (const auto& [images, labels] : loader) {
      const Variable loss = ops::softmax_cross_entropy(net(Variable{images}), labels);
      backward(loss);
      optimizer.step();
      optimizer.zero_grad();
      loss_sum += loss.data().item() * static_cast<double>(labels.size());
      ++step;
    }
    const nn::train::EpochRecord record{.epoch = epoch,
                                        .epochs = epochs,
                                        .step = step,
                                        .loss = loss_sum / static_cast<double>(loader.images_per_epoch()),
                                        .learning_rate = optimizer.lr()};
    for (nn::train::Callback* callback : callbacks) callback->on_epoch(record);
  }
  for (nn::train::Callback* callback : callbacks) callback->on_end();
}

/// Prints what epoch_fields has.
class PrintLog final : public nn::train::Callback {
 public:
  explicit PrintLog(std::ostream& out) : out_(out) {}
  void on_epoch(const nn::train::EpochRecord& record) override {
    for (const auto& [name, value] : nn::train::epoch_fields(record)) {
      if (const auto* number = std::get_if<double>(&value)) out_ << name << ' ' << *number << '\n';
    }
  }

 private:
  std::ostream& out_;
};

/// Random images of 8 x 8 in three classes.
nn::DataLoader random_images() {
  const Array images = uniform({1, 0}, {12, 1, 8, 8}, -1, 1, DType::float32);
  return {images, Array::from<std::int64_t>({0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}, {12}), {.batch = 4}};
}

}  // namespace

TEST_CASE("page: logs of a hand-written loop", "[pages][train]") {
  const TemporaryDirectory directory;
  const std::string out = directory.path().string();
  Random random{1};
  nn::Sequential net{nn::Flatten{}, nn::Linear{64, 3, {}, random}};
  nn::SGD optimizer{net.parameters(), {.rate = 0.1}};
  nn::DataLoader loader = random_images(), test_loader = random_images();
  const std::vector<std::string> names{"cat", "dog", "cow"};

  nn::train::JsonLog json{out + "/log.jsonl"};
  nn::train::CsvLog csv{out + "/log.csv"};
  nn::train::TensorBoardLog board{out + "/tensorboard"};
  nn::train::Curves curves{out + "/curves", {.title = "Small net, batch 64"}};
  nn::train::MistakePicture mistakes{out + "/mistakes.png", net, test_loader, {.names = names}};
  train(net, optimizer, loader, 5, {&json, &csv, &board, &curves, &mistakes});

  CHECK(std::filesystem::exists(out + "/curves.gp"));
  CHECK(nn::read_png(out + "/mistakes.png").rank() == 3);
  const Bytes lines = read_file(out + "/log.jsonl");
  CHECK(std::count(lines.begin(), lines.end(), std::byte{'\n'}) == 5);
}

TEST_CASE("page: logs of a Trainer that goes on after an interruption", "[pages][train]") {
  const TemporaryDirectory directory;
  const std::string out = directory.path().string();
  const auto run = [&](std::int64_t epochs) {
    Random random{1};
    nn::Sequential net{nn::Flatten{}, nn::Linear{64, 3, {}, random}};
    nn::SGD optimizer{net.parameters(), {.rate = 0.1}};
    nn::DataLoader loader = random_images(), validation_loader = random_images();
    nn::train::JsonLog json{out + "/log.jsonl"};
    nn::train::ConfusionLog confusion{out + "/confusion.txt", {"cat", "dog", "cow"}};
    // clang-format off
  nn::train::Trainer trainer{net, optimizer, loader, {.epochs = epochs, .checkpoints = out}};
  trainer.validate_on(validation_loader);
  trainer.add(json);
  trainer.add(confusion);
  trainer.run();
    // clang-format on
  };
  const auto lines = [&] {
    const Bytes bytes = read_file(out + "/log.jsonl");
    return std::count(bytes.begin(), bytes.end(), std::byte{'\n'});
  };
  run(2);
  CHECK(lines() == 2);
  run(3);
  CHECK(lines() == 3);
  const Bytes text = read_file(out + "/confusion.txt");
  CHECK(std::string_view(reinterpret_cast<const char*>(text.data()), text.size()).starts_with("epoch 3\n\n"));
}

TEST_CASE("page: mistakes and confusion by hand", "[pages][train]") {
  Random random{1};
  nn::Sequential net{nn::Flatten{}, nn::Linear{64, 3, {}, random}};
  nn::DataLoader loader = random_images();
  const std::vector<std::string> names{"cat", "dog", "cow"};
  const TemporaryDirectory directory;
  const std::string path = directory / "mistakes.png";

  nn::train::WorstMistakes mistakes{25};
  {
    const nn::TrialScope trial{net};
    for (const auto& [images, labels] : loader) mistakes.add(images, net(Variable{images}).data(), labels);
  }
  nn::write_png(path, nn::train::mistake_picture(mistakes.list(), {.names = names}));

  CHECK(mistakes.images() == 12);
  CHECK(mistakes.list().size() == static_cast<std::size_t>(mistakes.wrong()));
  const Array scores = Array::from<float>({5, 1, 1, 2, 1, 1, 0, 1, 0, 0, 0, 1}, {4, 3});
  const Array labels = Array::from<std::int64_t>({0, 1, 1, 2}, {4});
  std::ostringstream text;
  text << nn::train::confusion_table(ops::confusion_matrix(scores, labels), names);
  CHECK(text.str() ==
        "label \\ taken for     0      1      2  images  right %\n"
        "------------------------------------------------------\n"
        "0 cat                 1      .      .       1    100.0\n"
        "1 dog                 1      1      .       2     50.0\n"
        "2 cow                 .      .      1       1    100.0\n"
        "------------------------------------------------------\n"
        "right % of column  50.0  100.0  100.0       4     75.0\n");
}

TEST_CASE("page: a log of one's own", "[pages][train]") {
  std::ostringstream out;
  PrintLog log{out};
  log.on_epoch({.epoch = 1, .loss = 0.5});
  CHECK(out.str() == "loss 0.5\naccuracy 0\nlearning_rate 0\nimages_per_second 0\nseconds 0\n");
}

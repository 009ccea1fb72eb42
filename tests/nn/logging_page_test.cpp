// SPDX-License-Identifier: BSD-3-Clause
// The code in docs/logging.md and in comments of nn/train/log, word for word; it is run here.
#include <catch2/catch.hpp>

#include <chrono>
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
  const auto start = std::chrono::steady_clock::now();
  nn::train::StepRecord now{
      .epochs = epochs, .steps = epochs * loader.size(), .images_per_epoch = loader.images_per_epoch()};
  for (now.epoch = 1; now.epoch <= epochs; ++now.epoch) {
    const double seconds_before = now.seconds;
    double loss_sum = 0, correct = 0;
    now.images = 0;
    for (const auto& [images, labels] : loader) {
      const Variable scores = net(Variable{images});
      const Variable loss = ops::softmax_cross_entropy(scores, labels);
      backward(loss);
      optimizer.step();
      optimizer.zero_grad();
      ++now.step;
      now.images += labels.size();
      loss_sum += loss.item() * static_cast<double>(labels.size());
      correct += ops::accuracy(scores, labels).item() * static_cast<double>(labels.size());
      now.loss = loss_sum / static_cast<double>(now.images);
      now.accuracy = correct / static_cast<double>(now.images);
      now.learning_rate = optimizer.lr();
      now.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      for (nn::train::Callback* callback : callbacks) callback->on_step(now);
    }
    const nn::train::EpochRecord record{
        .epoch = now.epoch,
        .epochs = epochs,
        .step = now.step,
        .loss = now.loss,
        .accuracy = now.accuracy,
        .learning_rate = now.learning_rate,
        .images_per_second = static_cast<double>(now.images) / (now.seconds - seconds_before),
        .seconds = now.seconds};
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

/// Keeps what it is told.
struct Recorder final : nn::train::Callback {
  void on_step(const nn::train::StepRecord& record) override { steps.push_back(record); }
  void on_epoch(const nn::train::EpochRecord& record) override { epochs.push_back(record); }
  std::vector<nn::train::StepRecord> steps;
  std::vector<nn::train::EpochRecord> epochs;
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

TEST_CASE("page: a hand-written loop tells its logs what a Trainer does", "[pages][train]") {
  Recorder by_hand, by_trainer;
  const auto run = [](const auto& trained) {
    Random random{1};
    nn::Sequential net{nn::Flatten{}, nn::Linear{64, 3, {}, random}};
    nn::SGD optimizer{net.parameters(), {.rate = 0.1}};
    trained(net, optimizer);
  };
  run([&](nn::Module& net, nn::Optimizer& optimizer) {
    train(net, optimizer, random_images(), 3, {&by_hand});
  });
  run([&](nn::Module& net, nn::Optimizer& optimizer) {
    nn::train::Trainer trainer{net, optimizer, random_images(), {.epochs = 3}};
    trainer.add(by_trainer);
    trainer.run();
  });
  const auto require_same = [](const auto& record, const auto& other) {
    CHECK(record.epoch == other.epoch);
    CHECK(record.epochs == other.epochs);
    CHECK(record.step == other.step);
    CHECK(record.loss == Approx(other.loss));
    CHECK(record.accuracy == Approx(other.accuracy));
    CHECK(record.learning_rate == other.learning_rate);
    CHECK(record.seconds > 0);
  };
  REQUIRE(by_hand.steps.size() == 9);
  REQUIRE(by_trainer.steps.size() == 9);
  for (std::size_t i = 0; i < 9; ++i) {
    const nn::train::StepRecord &record = by_hand.steps[i], &other = by_trainer.steps[i];
    require_same(record, other);
    CHECK(record.steps == other.steps);
    CHECK(record.images == other.images);
    CHECK(record.images_per_epoch == other.images_per_epoch);
  }
  REQUIRE(by_hand.epochs.size() == 3);
  REQUIRE(by_trainer.epochs.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const nn::train::EpochRecord& record = by_hand.epochs[i];
    require_same(record, by_trainer.epochs[i]);
    CHECK(record.accuracy > 0);
    const double before = i == 0 ? 0 : by_hand.epochs[i - 1].seconds;
    CHECK(record.images_per_second == Approx(12 / (record.seconds - before)));
  }
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

// SPDX-License-Identifier: BSD-3-Clause
// The code in docs/training.md and in comments of nn/train, word for word; it is run here.
#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <fathom/fathom.hpp>

#include "nn/train_task.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;

namespace {

void train_by_hand(nn::Module& net, nn::DataLoader loader, std::int64_t epochs) {
  nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9, .weight_decay = 5e-4}};
  const std::int64_t steps = epochs * loader.size();
  net.train();
  for (std::int64_t step = 0, epoch = 0; epoch < epochs; ++epoch) {
    for (const auto& [images, labels] : loader) {
      optimizer.set_lr(nn::one_cycle(step++, steps, {.peak = 0.1}));
      backward(ops::softmax_cross_entropy(net(Variable{images}), labels, {.label_smoothing = 0.1}));
      optimizer.step();
      optimizer.zero_grad();
    }
  }
}

/// False when it was interrupted.
bool train_with_checkpoints(nn::Module& net, nn::DataLoader loader, std::int64_t epochs,
                            const std::string& directory) {
  nn::SGD optimizer{net.parameters(), {.momentum = 0.9}};
  nn::train::Ema ema{net, {.decay = 0.999}};
  const nn::train::Checkpoints checkpoints{directory};
  nn::train::TrainingState state{.net = net, .optimizer = optimizer, .ema = &ema, .loader = &loader};
  if (const auto found = checkpoints.load_last(state)) {
    for (const std::string& text : found->refused) std::cerr << "passed over: " << text << '\n';
    std::cout << "going on from " << found->path << '\n';
  }

  nn::train::Position& at = state.position;  // zeros in a new training
  const std::int64_t steps = epochs * loader.size();
  const nn::train::InterruptScope interrupt;
  for (; at.epoch < epochs; ++at.epoch, at.batch = 0) {
    loader.set_position(at.epoch, at.batch);
    for (const auto& [images, labels] : loader) {
      optimizer.set_lr(nn::one_cycle(at.step, steps, {.peak = 0.05}));
      backward(ops::softmax_cross_entropy(net(Variable{images}), labels));
      optimizer.step();
      optimizer.zero_grad();
      ema.update();
      ++at.step;
      ++at.batch;
      if (interrupt.requested() || at.step % 100 == 0) checkpoints.save(state);
      if (interrupt.requested()) return false;
    }
  }
  ema.swap();  // keep the averages
  return true;
}

/// Ends a training that is good enough.
class GoodEnough final : public nn::train::Callback {
 public:
  void on_epoch(const nn::train::EpochRecord& record) override {
    if (record.validation) accuracy_ = record.validation->accuracy;
  }
  [[nodiscard]] bool wants_to_stop() const override { return accuracy_ > 0.9; }
  [[nodiscard]] std::vector<double> state() const override { return {accuracy_}; }
  void set_state(std::span<const double> state) override { accuracy_ = state[0]; }

 private:
  double accuracy_ = 0;
};

/// Writes the weights after each epoch that an EarlyStop, which was added before, takes for the best so far.
class KeepBest final : public nn::train::Callback {
 public:
  KeepBest(nn::train::Trainer& trainer, const nn::train::EarlyStop& stop, std::string path)
      : trainer_(trainer), stop_(stop), path_(std::move(path)) {}
  void on_epoch(const nn::train::EpochRecord& record) override {
    if (stop_.best_epoch() == record.epoch) trainer_.save_weights(path_);
  }

 private:
  nn::train::Trainer& trainer_;
  const nn::train::EarlyStop& stop_;
  std::string path_;
};

/// Takes what is written to a stream.
class Captured {
 public:
  explicit Captured(std::ostream& stream = std::cout)
      : stream_(stream), before_(stream.rdbuf(text_.rdbuf())) {}
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  ~Captured() { stream_.rdbuf(before_); }
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::ostream& stream_;
  std::streambuf* before_;
};

/// The losses on the images to validate on.
class Losses final : public nn::train::Callback {
 public:
  void on_epoch(const nn::train::EpochRecord& record) override { values.push_back(record.validation->loss); }
  std::vector<double> values;
};

/// Each image with length 1, which a black one cannot have.
struct UnitLength : nn::Module {
  FATHOM_MODULE()
  Variable forward(const Variable& x) override {
    return x / ops::sqrt(ops::sum(ops::square(x), {.axis = Axes{1, 2, 3}, .keepdims = true}));
  }
};

const nn::DataLoader test_loader = test::task_loader(64, {.batch = 32, .shuffle = false}, 2);

}  // namespace

TEST_CASE("training page: a loop by hand learns, and is evaluated", "[train][page]") {
  nn::Sequential net = test::task_net(4);
  train_by_hand(net, test::task_loader(128, {.batch = 16}), 6);
  const Captured captured;
  const nn::train::Evaluation result = nn::train::evaluate(net, test_loader);
  std::cout << "loss " << result.loss << ", accuracy " << result.accuracy << ", top 5 " << result.top5 << '\n'
            << result.confusion << '\n';
  CHECK(result.accuracy > 0.9);
  CHECK(captured.text().starts_with("loss 0."));
}

TEST_CASE("training page: a loop by hand that was interrupted goes on to the same bits", "[train][page]") {
  const TemporaryDirectory directory;
  // Ctrl-C comes with a batch of the second run: within an epoch, or the last batch of one.
  const std::int64_t moment = GENERATE(1, 4, 7);
  std::int64_t interrupt_at = -1;
  const auto loader = [&] {
    return test::task_loader(64, {.batch = 16, .transform = [&](nn::Batch&, RandomKey) {
                                    if (interrupt_at-- == 0) REQUIRE(std::raise(SIGINT) == 0);
                                  }});
  };
  nn::Sequential whole = test::task_net(4), parts = test::task_net(4), again = test::task_net(4);
  CHECK(train_with_checkpoints(whole, loader(), 3, directory / "whole"));
  interrupt_at = moment;
  CHECK_FALSE(train_with_checkpoints(parts, loader(), 3, directory / "parts"));
  const Captured captured;
  CHECK(train_with_checkpoints(again, loader(), 3, directory / "parts"));
  CHECK(captured.text().starts_with("going on from " + directory / "parts/checkpoint-00000000"));
  CHECK(test::first_difference(test::arrays_of(whole), test::arrays_of(again)).empty());
}

TEST_CASE("training page: a loop by hand says which checkpoint it passed over", "[train][page]") {
  const TemporaryDirectory directory;
  const nn::DataLoader loader = test::task_loader(64, {.batch = 16});
  nn::Sequential net = test::task_net(4);
  const Captured out, errors{std::cerr};
  CHECK(train_with_checkpoints(net, loader, 50, directory / "a"));
  const std::vector<std::string> paths = nn::train::Checkpoints(directory / "a").paths();
  REQUIRE(paths.size() == 2);
  std::filesystem::resize_file(paths[0], 1000);
  CHECK(errors.text().empty());
  CHECK(train_with_checkpoints(net, loader, 50, directory / "a"));
  CHECK(errors.text().starts_with("passed over: " + paths[0] + ": is truncated or corrupt"));
  CHECK(out.text() == "going on from " + paths[1] + "\n");
}

TEST_CASE("training page: a loop by hand learns where a NaN began", "[train][page][error]") {
  const TemporaryDirectory place;
  const std::string directory = place / "run";
  const nn::DataLoader loader =
      test::task_loader(64, {.batch = 16, .transform = [](nn::Batch& batch, const nn::BatchKey& key) {
                               if (key.epoch == 1) std::fill_n(batch.images.mutable_data<float>(), 64, 0.0F);
                               if (key.epoch == 2) REQUIRE(std::raise(SIGINT) == 0);
                             }});
  Random random{1};
  nn::Sequential net{UnitLength{}, nn::Flatten{}, nn::Linear{64, 4, {}, random}};
  const nn::Sequential start = net;
  CHECK_THROWS_WITH(
      train_with_checkpoints(net, loader, 3, directory),
      Catch::Matchers::Contains("run/checkpoint-000000009.npz: is not written, as 2.W is not finite"));
  net = start;
  const auto again = [&] {
    // clang-format off
  const DebugScope debug;
  train_with_checkpoints(net, loader, 3, directory);
    // clang-format on
  };
  CHECK_THROWS_WITH(
      again(), Catch::Matchers::Contains("div: made ") && Catch::Matchers::Contains("64 nan, 960 finite"));
}

TEST_CASE("training page: a trainer, and a callback of one's own", "[train][page]") {
  const TemporaryDirectory place;
  const std::string directory = place / "run";
  const Captured captured;
  nn::Sequential net = test::task_net(4);
  nn::DataLoader loader = test::task_loader(128, {.batch = 16});
  {
    nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9, .weight_decay = 5e-4}};
    // clang-format off
  nn::train::Trainer trainer{net, optimizer, loader, {.epochs = 5, .checkpoints = directory}};
  nn::train::Progress progress;
  trainer.add(progress);
  const nn::train::TrainingResult result = trainer.run();
    // clang-format on
    CHECK(result.ending == nn::train::Ending::finished);
    CHECK(captured.text().find("epoch 5/5: loss ") != std::string::npos);
  }
  nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9}};
  nn::train::Trainer trainer{net, optimizer, loader, {.epochs = 30}};
  GoodEnough good_enough;
  trainer.add(good_enough);
  trainer.validate_on(test_loader);
  CHECK(trainer.run().ending == nn::train::Ending::stopped);
}

TEST_CASE("training page: the weights of the best epoch, and not of the last", "[train][page]") {
  const TemporaryDirectory place;
  const std::string directory = place.path();
  nn::Sequential net = test::task_net(4);
  nn::SGD optimizer{net.parameters(), {.rate = 0.05, .momentum = 0.9}};
  // What is learned is of no use for these, so that they get worse with time.
  Array labels = Array::empty({64}, DType::int64);
  for (std::int64_t i = 0; i < 64; ++i) labels.mutable_data<std::int64_t>()[i] = i % test::kTaskClasses;
  const nn::DataLoader validation_loader{
      normal({7, 0}, {64, 1, 8, 8}, 0, 1, DType::float32), labels, {.shuffle = false}};
  nn::train::Trainer trainer{net, optimizer, test::task_loader(64, {.batch = 16}), {.epochs = 100}};
  Losses losses;
  trainer.add(losses);
  // clang-format off
  nn::train::EarlyStop stop{{.patience = 5}};
  KeepBest keep_best{trainer, stop, directory + "/best.npz"};
  trainer.validate_on(validation_loader);
  trainer.add(stop);
  trainer.add(keep_best);
  trainer.run();
  if (stop.best_epoch() > 0) nn::load(net, directory + "/best.npz");
  // clang-format on
  REQUIRE(losses.values.size() < 100);
  const auto best = std::min_element(losses.values.begin(), losses.values.end());
  CHECK(best - losses.values.begin() + 1 == stop.best_epoch());
  CHECK(nn::train::evaluate(net, validation_loader).loss == *best);
  CHECK(losses.values.back() > *best);
}

// SPDX-License-Identifier: BSD-3-Clause
// The code in docs/training.md and in comments of nn/train, word for word; it is run here.
#include <catch2/catch.hpp>
#include <csignal>
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
  nn::train::TrainingState state{.net = net, .optimizer = optimizer, .ema = &ema};
  if (const auto found = checkpoints.load_last(state)) std::cout << "going on from " << found->path << '\n';

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
  void on_epoch(const nn::train::EpochRecord& record) override { accuracy_ = record.validation->accuracy; }
  [[nodiscard]] bool wants_to_stop() const override { return accuracy_ > 0.9; }
  [[nodiscard]] std::vector<double> state() const override { return {accuracy_}; }
  void set_state(std::span<const double> state) override { accuracy_ = state[0]; }

 private:
  double accuracy_ = 0;
};

/// Takes what is written to std::cout.
class Captured {
 public:
  Captured() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  ~Captured() { std::cout.rdbuf(before_); }
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
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

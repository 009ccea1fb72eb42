// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/trainer.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <vector>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/optim/adam.hpp>
#include <fathom/nn/optim/gradients.hpp>
#include <fathom/nn/optim/schedule.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/train/early_stop.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "nn/train_task.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;

namespace {

/// Remembers all that it is told; raises a signal after a step if it is to.
class Witness final : public Callback {
 public:
  explicit Witness(std::int64_t interrupt_after = 0, std::int64_t stop_after = 0)
      : interrupt_after_(interrupt_after), stop_after_(stop_after) {}
  void on_start(std::int64_t first) override { starts.push_back(first); }
  void on_step(const StepRecord& record) override {
    steps.push_back(record);
    if (record.step == interrupt_after_) REQUIRE(std::raise(SIGINT) == 0);
  }
  void on_epoch(const EpochRecord& record) override { epochs.push_back(record); }
  bool on_note(std::string_view text) override {
    notes.emplace_back(text);
    return true;
  }
  void on_end() override { ++ends; }
  [[nodiscard]] bool wants_to_stop() const override {
    return stop_after_ > 0 && std::ssize(epochs) >= stop_after_;
  }

  std::vector<std::int64_t> starts;
  std::vector<StepRecord> steps;
  std::vector<EpochRecord> epochs;
  std::vector<std::string> notes;
  int ends = 0;

 private:
  std::int64_t interrupt_after_, stop_after_;
};

/// One training with everything that has a state: momentum, averages, dropout, shuffling, noise in the
/// images.
struct Training {
  explicit Training(TrainerOptions options)
      : net(test::task_net(4)),
        optimizer(net.parameters(), {.rate = 0.01}),
        trainer(net, optimizer, loader(), std::move(options)) {}
  static nn::DataLoader loader() {
    return test::task_loader(100, {.batch = 16, .seed = 5, .transform = [](nn::Batch& batch, RandomKey key) {
                                     batch.images =
                                         normal(key, batch.images.shape(), 0, 0.01, DType::float32);
                                   }});
  }
  [[nodiscard]] NamedArrays weights() const { return test::arrays_of(net); }

  nn::Sequential net;
  nn::Adam optimizer;
  Trainer trainer;
};

TrainerOptions with_everything() {
  return {.epochs = 3,
          .schedule = [](std::int64_t step,
                         std::int64_t steps) { return nn::one_cycle(step, steps, {.peak = 0.01}); },
          .label_smoothing = 0.1,
          .accumulate = 2,
          .clip_norm = 0.5,  // shorter than what the net begins with
          .ema = EmaOptions{.decay = 0.9}};
}

}  // namespace

TEST_CASE("a trainer learns, and its records say how", "[train][trainer]") {
  nn::Sequential net = test::task_net(4);
  nn::SGD optimizer{net.parameters(), {.momentum = 0.9}};
  Trainer trainer{net,
                  optimizer,
                  test::task_loader(100, {.batch = 16}),
                  {.epochs = 6, .schedule = [](std::int64_t step, std::int64_t steps) {
                     return nn::one_cycle(step, steps, {.peak = 0.1});
                   }}};
  Witness witness;
  trainer.add(witness);
  trainer.validate_on(test::task_loader(64, {.batch = 32, .shuffle = false}, 2));
  const TrainingResult result = trainer.run();

  CHECK(result.ending == Ending::finished);
  CHECK(witness.starts == std::vector<std::int64_t>{0});
  CHECK(witness.ends == 1);
  REQUIRE(witness.steps.size() == 42);
  const StepRecord& step = witness.steps[8];
  CHECK(step.epoch == 2);
  CHECK(step.epochs == 6);
  CHECK(step.step == 9);
  CHECK(step.steps == 42);
  CHECK(step.images == 32);
  CHECK(step.images_per_epoch == 100);
  CHECK(step.learning_rate == nn::one_cycle(8, 42, {.peak = 0.1}));
  REQUIRE(witness.epochs.size() == 6);
  const EpochRecord& last = witness.epochs.back();
  CHECK(last.epoch == 6);
  CHECK(last.step == 42);
  CHECK(last.loss == witness.steps.back().loss);
  CHECK(last.accuracy == witness.steps.back().accuracy);
  CHECK(last.loss < witness.epochs.front().loss / 2);
  CHECK(last.seconds >= witness.steps.back().seconds);
  REQUIRE(last.validation);
  CHECK(last.validation->images == 64);
  CHECK(last.validation->accuracy > 0.9);
  REQUIRE(result.last);
  CHECK(result.last->validation->loss == last.validation->loss);
  CHECK(trainer.evaluate(test::task_loader(64, {.batch = 10, .shuffle = false}, 2)).accuracy ==
        last.validation->accuracy);
}

TEST_CASE("a trainer is the loop that one writes by hand, bit by bit", "[train][trainer]") {
  const TemporaryDirectory directory;
  TrainerOptions options = with_everything();
  options.accumulate = 1;
  Training training{options}, by_hand{{}};
  const nn::DataLoader unseen = test::task_loader(64, {.batch = 32, .shuffle = false}, 2);
  Witness witness;
  training.trainer.add(witness);
  training.trainer.validate_on(unseen);
  static_cast<void>(training.trainer.run());
  training.trainer.save_weights(directory / "averages.npz");

  Ema ema{by_hand.net, {.decay = 0.9}};
  std::int64_t step = 0;
  nn::DataLoader loader = Training::loader();
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (const auto& [images, labels] : loader) {
      by_hand.optimizer.set_lr(nn::one_cycle(step++, 3 * loader.size(), {.peak = 0.01}));
      backward(ops::softmax_cross_entropy(by_hand.net(Variable{images}), labels, {.label_smoothing = 0.1}));
      nn::clip_gradient_norm(by_hand.net.parameters(), options.clip_norm);
      by_hand.optimizer.step();
      by_hand.optimizer.zero_grad();
      ema.update();
    }
  }
  CHECK(test::first_difference(training.weights(), by_hand.weights()).empty());
  const EmaScope averages{ema};
  CHECK_FALSE(test::first_difference(training.weights(), by_hand.weights()).empty());
  nn::save(by_hand.net, directory / "by_hand.npz");
  CHECK(read_file(directory / "averages.npz") == read_file(directory / "by_hand.npz"));
  const Evaluation result = evaluate(by_hand.net, unseen);
  CHECK(witness.epochs.back().validation->loss == result.loss);
  CHECK(training.trainer.evaluate(unseen).loss == result.loss);
}

TEST_CASE("several batches in a step give the gradient of one large batch", "[train][trainer]") {
  // Without batch normalization and dropout, which see each batch by itself.
  const auto train = [](std::int64_t batch, std::int64_t accumulate) {
    Random random{3};
    nn::Sequential net{nn::Conv2D{1, 4, {.kernel = 3}, random}, nn::ReLU{}, nn::Linear{144, 4, {}, random}};
    nn::SGD optimizer{net.parameters(), {.rate = 0.1, .momentum = 0.9}};
    Trainer trainer{
        net, optimizer, test::task_loader(40, {.batch = batch}), {.epochs = 2, .accumulate = accumulate}};
    Witness witness;
    trainer.add(witness);
    static_cast<void>(trainer.run());
    CHECK(witness.steps.size() ==
          static_cast<std::size_t>(2 * ((40 + batch * accumulate - 1) / (batch * accumulate))));
    CHECK(witness.steps[0].images == std::min<std::int64_t>(40, batch * accumulate));
    return test::arrays_of(net);
  };
  struct Row {
    std::int64_t batch, accumulate;
  };
  // The last step of an epoch takes what is left; the last batch of a step may be smaller.
  const auto row = GENERATE(values<Row>({{4, 4}, {8, 2}, {20, 2}, {6, 7}}));
  const NamedArrays whole = train(row.batch * row.accumulate, 1), parts = train(row.batch, row.accumulate);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(row.batch, whole[i].first);
    CHECK(allclose(whole[i].second, parts[i].second, 1e-4, 1e-6));
  }
}

TEST_CASE("a training that was interrupted and goes on ends with the same bits", "[train][trainer][resume]") {
  const TemporaryDirectory directory;
  Training whole{with_everything()};
  Witness told;
  whole.trainer.add(told);
  CHECK(whole.trainer.run().ending == Ending::finished);
  REQUIRE(told.steps.size() == 12);
  whole.trainer.save_weights(directory / "whole.npz");

  // Within an epoch, after the last step of one, and at the end of all.
  const std::int64_t moment = GENERATE(1, 2, 3, 4, 7, 11);
  CAPTURE(moment);
  TrainerOptions options = with_everything();
  options.checkpoints = directory / "run";
  std::vector<std::string> weights;
  {
    Training first{options};
    Witness witness{moment};
    first.trainer.add(witness);
    CHECK(first.trainer.run().ending == Ending::interrupted);
    CHECK(std::ssize(witness.steps) == moment);
    CHECK(witness.ends == 1);
    REQUIRE(witness.notes.size() == 1);
    CHECK_THAT(witness.notes[0],
               Contains("interrupted by SIGINT (Ctrl-C) after step " + std::to_string(moment) + " of 12; ") &&
                   Contains(" is saved: the same command goes on from there"));
  }
  Training second{options};
  Witness witness;
  second.trainer.add(witness);
  CHECK(second.trainer.run().ending == Ending::finished);
  CHECK(witness.starts == std::vector<std::int64_t>{moment / 4});
  CHECK_THAT(witness.notes.at(0),
             Contains("going on after step " + std::to_string(moment) + " of 12, from "));
  CHECK(std::ssize(witness.steps) == 12 - moment);
  CHECK(test::first_difference(whole.weights(), second.weights()).empty());
  // The averages, and the sums of the epoch that was left.
  second.trainer.save_weights(directory / "second.npz");
  CHECK(read_file(directory / "whole.npz") == read_file(directory / "second.npz"));
  CHECK(witness.epochs.back().loss == told.epochs.back().loss);
  CHECK(witness.steps.front().loss == told.steps.at(static_cast<std::size_t>(moment)).loss);

  Training third{options};
  Witness nothing_left;
  third.trainer.add(nothing_left);
  CHECK(third.trainer.run().ending == Ending::finished);
  CHECK(nothing_left.steps.empty());
  CHECK(test::first_difference(whole.weights(), third.weights()).empty());
}

TEST_CASE("a corrupt checkpoint is noted, and the one before it used", "[train][trainer][resume]") {
  const TemporaryDirectory directory;
  TrainerOptions options = with_everything();
  options.checkpoints = directory / "run";
  options.checkpoint_steps = 1;
  Training first{options};
  static_cast<void>(first.trainer.run());
  const std::vector<std::string> paths = Checkpoints(directory / "run").paths();
  REQUIRE(paths.size() == 2);
  std::filesystem::resize_file(paths[0], 5000);
  Training second{options};
  Witness witness;
  second.trainer.add(witness);
  static_cast<void>(second.trainer.run());
  REQUIRE(witness.notes.size() == 2);
  CHECK_THAT(witness.notes[0], Contains("passed over: " + paths[0] + ": is truncated or corrupt"));
  CHECK_THAT(witness.notes[1], Contains("going on after step 11 of 12, from " + paths[1]));
  CHECK(test::first_difference(first.weights(), second.weights()).empty());
}

TEST_CASE("a training that stopped early stays stopped", "[train][trainer][resume]") {
  const TemporaryDirectory directory;
  const auto run = [&](std::int64_t epochs) {
    TrainerOptions options = with_everything();
    options.epochs = epochs;
    options.schedule = [](std::int64_t, std::int64_t) { return 0.0; };  // nothing improves
    options.checkpoints = directory / "run";
    Training training{options};
    EarlyStop stop{{.patience = 2, .watch = StopOn::accuracy}};
    Witness witness;
    training.trainer.add(witness);
    training.trainer.add(stop);
    training.trainer.validate_on(test::task_loader(64, {.batch = 32, .shuffle = false}, 2));
    const Ending ending = training.trainer.run().ending;
    CHECK((stop.best_epoch() >= 1 && stop.best_epoch() <= 20));
    return std::pair{ending, std::ssize(witness.epochs)};
  };
  const auto [first, epochs] = run(20);
  CHECK(first == Ending::stopped);
  CHECK(epochs < 20);
  CHECK(run(20) == std::pair{Ending::stopped, std::ptrdiff_t{0}});
}

TEST_CASE("a callback ends a training", "[train][trainer]") {
  Training training{with_everything()};
  Witness witness{0, 2};
  training.trainer.add(witness);
  CHECK(training.trainer.run().ending == Ending::stopped);
  CHECK(witness.epochs.size() == 2);
  CHECK(witness.ends == 1);
}

TEST_CASE("checkpoints of another training are refused", "[train][trainer][resume][error]") {
  const TemporaryDirectory directory;
  TrainerOptions options = with_everything();
  options.checkpoints = directory / "run";
  {
    Training first{options};
    static_cast<void>(first.trainer.run());
  }
  nn::Sequential net = test::task_net(4);
  nn::Adam optimizer{net.parameters()};
  Trainer other{net, optimizer, test::task_loader(90, {.batch = 16}), options};
  CHECK_THROWS_WITH(other.run(), Contains("is of another loader: 100 images in 7 batches with seed 5, this "
                                          "training's has 90 images in 6 batches with seed 1"));
  Training counting{options};
  EarlyStop stop;
  counting.trainer.add(stop);
  CHECK_THROWS_WITH(
      counting.trainer.run(),
      Contains("is of other callbacks: it keeps steps int64 []; this training keeps steps int64 [], "
               "callback_0 float64 [3]\n  hint: go on with the same net, optimizer, loader, schedule and "
               "callbacks, or begin anew in another directory"));
  options.resume = false;
  Training anew{options};
  CHECK_THROWS_WITH(anew.trainer.run(),
                    Contains("is a checkpoint of another training, and this one is to begin anew"));
}

TEST_CASE("options are checked before anything is made", "[train][trainer][error]") {
  const TemporaryDirectory directory;
  const auto make = [&](TrainerOptions options) {
    options.checkpoints = directory / "run";
    Training training{std::move(options)};
  };
  CHECK_THROWS_WITH(make({.epochs = -1}), Contains("Trainer: epochs must be at least 0"));
  CHECK_THROWS_WITH(make({.accumulate = 0}), Contains("Trainer: accumulate must be at least 1"));
  CHECK_THROWS_WITH(make({.label_smoothing = 2}),
                    Contains("label_smoothing must be between 0 and 1 (it is 2)"));
  CHECK_THROWS_WITH(make({.clip_norm = -1}), Contains("clip_norm"));
  CHECK_THROWS_AS(make({.ema = EmaOptions{.decay = 2}}), ValueError);
  CHECK(directory.count() == 0);
}

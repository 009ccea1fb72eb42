// SPDX-License-Identifier: BSD-3-Clause
// Whether a checkpoint is of the training that is to go on with it.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/nn/optim/adam.hpp>
#include <fathom/nn/optim/nesterov.hpp>
#include <fathom/nn/optim/schedule.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/train/trainer.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "nn/train_task.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

const std::string kHint =
    "\n  hint: go on with the same net, optimizer, loader, schedule and callbacks, or begin anew in another "
    "directory";

/// Steps of batches that follow from their number alone.
void make_steps(nn::Module& net, nn::Optimizer& optimizer, std::int64_t first, std::int64_t count) {
  nn::DataLoader loader = test::task_loader(160, {.batch = 16});
  loader.set_position(0, first);
  for (const auto& [images, labels] : loader) {
    if (count-- == 0) return;
    backward(ops::softmax_cross_entropy(net(Variable{images}), labels));
    optimizer.step();
    optimizer.zero_grad();
  }
}

template <class Rule, class Options>
std::function<std::unique_ptr<nn::Optimizer>(nn::Module&)> rule(Options options) {
  return [options](nn::Module& net) { return std::make_unique<Rule>(net.parameters(), options); };
}

/// Ends a training after an epoch, and has no state.
class Leave final : public Callback {
 public:
  explicit Leave(std::int64_t after) : after_(after) {}
  void on_epoch(const EpochRecord& record) override { is_over_ = record.epoch == after_; }
  [[nodiscard]] bool wants_to_stop() const override { return is_over_; }

 private:
  std::int64_t after_;
  bool is_over_ = false;
};

/// Is shown the notes.
class Notes final : public Callback {
 public:
  bool on_note(std::string_view text) override {
    texts.emplace_back(text);
    return true;
  }
  std::vector<std::string> texts;
};

using Schedule = std::function<double(std::int64_t, std::int64_t)>;

Schedule one_cycle(double peak) {
  return [peak](std::int64_t step, std::int64_t steps) { return nn::one_cycle(step, steps, {.peak = peak}); };
}
double halved(std::int64_t step, std::int64_t /*steps*/) {
  return nn::step_decay(step, {.rate = 0.05, .every = 5, .factor = 0.5});
}

struct Settings {
  std::int64_t epochs = 4;
  Schedule schedule = {};
  std::uint64_t seed = 5;
  std::int64_t leave_after = 0;
};

/// The weights at the end, and how it went on: 7 steps in an epoch, checkpoints in `directory`.
struct Outcome {
  NamedArrays weights;
  std::vector<std::string> notes;
};

Outcome train(const Settings& settings, const std::string& directory) {
  nn::Sequential net = test::task_net(4);
  nn::SGD optimizer{net.parameters(), {.rate = 0.01, .momentum = 0.9}};
  Trainer trainer{net,
                  optimizer,
                  test::task_loader(100, {.batch = 16, .seed = settings.seed}),
                  {.epochs = settings.epochs, .schedule = settings.schedule, .checkpoints = directory}};
  Leave leave{settings.leave_after};
  Notes notes;
  trainer.add(leave);
  trainer.add(notes);
  static_cast<void>(trainer.run());
  return {test::arrays_of(net), notes.texts};
}

}  // namespace

TEST_CASE("optimizers whose states have the same names are told apart", "[train][checkpoint][error]") {
  using nn::MomentumForm, nn::NesterovForm;
  struct Row {
    std::function<std::unique_ptr<nn::Optimizer>(nn::Module&)> before, now;
    std::string text;
  };
  const auto momentum = [](MomentumForm form) {
    return rule<nn::SGD>(nn::SGDOptions{.momentum = 0.9, .form = form});
  };
  const auto nesterov = [](NesterovForm form) {
    return rule<nn::Nesterov>(nn::NesterovOptions{.form = form});
  };
  const auto adam = rule<nn::Adam>(nn::AdamOptions{});
  const auto adam_w = rule<nn::AdamW>(nn::AdamWOptions{});
  const Row rows[] = {
      {adam, adam_w, "Adam, this training has AdamW"},
      {adam_w, adam, "AdamW, this training has Adam"},
      {momentum(MomentumForm::rate_inside), nesterov(NesterovForm::chainer),
       "SGD, this training has Nesterov"},
      {nesterov(NesterovForm::sutskever), momentum(MomentumForm::rate_inside),
       "Nesterov, this training has SGD"},
      {momentum(MomentumForm::rate_inside), momentum(MomentumForm::rate_outside),
       "SGD, this training has SGD, rate outside"},
      {nesterov(NesterovForm::pytorch), nesterov(NesterovForm::chainer),
       "Nesterov, rate outside, this training has Nesterov"},
  };
  const TemporaryDirectory directory;
  const std::string path = directory / "a.npz";
  for (const Row& row : rows) {
    CAPTURE(row.text);
    nn::Sequential first = test::task_net(1), second = test::task_net(2);
    const auto before = row.before(first), now = row.now(second);
    make_steps(first, *before, 0, 1);
    save_checkpoint({.net = first, .optimizer = *before}, path);
    const NamedArrays weights = test::arrays_of(second);
    TrainingState state{.net = second, .optimizer = *now};
    CHECK_THROWS_AS(load_checkpoint(state, path), OtherTrainingError);
    CHECK_THROWS_WITH(load_checkpoint(state, path),
                      Equals(fmt::format("{}: is of another optimizer: {}{}", path, row.text, kHint)));
    CHECK(test::first_difference(weights, test::arrays_of(second)).empty());
    CHECK(now->state().empty());
  }
  // The forms that keep the same in their arrays may be exchanged, as may numbers.
  nn::Sequential net = test::task_net(1);
  const auto before = nesterov(NesterovForm::chainer)(net), now = nesterov(NesterovForm::sutskever)(net);
  make_steps(net, *before, 0, 1);
  save_checkpoint({.net = net, .optimizer = *before}, path);
  TrainingState state{.net = net, .optimizer = *now};
  load_checkpoint(state, path);
  CHECK(now->state().size() == before->state().size());
}

TEST_CASE("what schedules change beside the rate goes on too", "[train][checkpoint][optim]") {
  const TemporaryDirectory directory;
  nn::Sequential first = test::task_net(1), second = test::task_net(2);
  nn::AdamW before{first.parameters()}, now{second.parameters()};
  make_steps(first, before, 0, 2);
  before.set_lr(0.003);
  before.set_eta(0.25);
  save_checkpoint({.net = first, .optimizer = before}, directory / "a.npz");
  TrainingState state{.net = second, .optimizer = now};
  load_checkpoint(state, directory / "a.npz");
  CHECK(now.lr() == 0.003);
  CHECK(now.eta() == 0.25);
  make_steps(first, before, 2, 3);
  make_steps(second, now, 2, 3);
  CHECK(test::first_difference(test::arrays_of(first), test::arrays_of(second)).empty());

  CHECK(now.numbers() == std::vector<std::pair<std::string, double>>{{"rate", 0.003}, {"eta", 0.25}});
  CHECK_THROWS_WITH(now.set_number("beta", 1),
                    "AdamW: there is no number 'beta'\n  hint: its numbers are: rate, eta");
  CHECK_THROWS_AS(now.set_number("eta", -1), ValueError);
  CHECK_THROWS_AS(now.set_number("rate", -1), ValueError);
}

TEST_CASE("another loader is told by its size and its seed, where a loop by hand gives it",
          "[train][checkpoint][error]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.npz";
  nn::Sequential net = test::task_net(1);
  nn::SGD optimizer{net.parameters()};
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  const nn::DataLoader loader = test::task_loader(100, {.batch = 16, .seed = kLast}),
                       other_seed = test::task_loader(100, {.batch = 16, .seed = 1}),
                       other_batch = test::task_loader(100, {.batch = 25, .seed = kLast}),
                       other_size = test::task_loader(101, {.batch = 16, .seed = kLast});
  const auto state_with = [&](const nn::DataLoader* images) {
    return TrainingState{.net = net, .optimizer = optimizer, .loader = images};
  };
  save_checkpoint(state_with(&loader), path);
  const std::string was =
      ": is of another loader: 100 images in 7 batches with seed 18446744073709551615, this "
      "training's has ";
  const std::pair<const nn::DataLoader*, std::string> rows[] = {
      {&other_seed, "100 images in 7 batches with seed 1"},
      {&other_batch, "100 images in 4 batches with seed 18446744073709551615"},
      {&other_size, "101 images in 7 batches with seed 18446744073709551615"}};
  for (const auto& [other, text] : rows) {
    TrainingState state = state_with(other);
    CHECK_THROWS_AS(load_checkpoint(state, path), OtherTrainingError);
    CHECK_THROWS_WITH(load_checkpoint(state, path), Equals(fmt::format("{}{}{}{}", path, was, text, kHint)));
  }
  TrainingState same = state_with(&loader), none = state_with(nullptr);
  load_checkpoint(same, path);
  load_checkpoint(none, path);
  save_checkpoint(none, path);
  CHECK_THROWS_WITH(load_checkpoint(same, path), Contains("it has no loader"));
}

TEST_CASE("a trainer goes on with the schedule that the checkpoint is of",
          "[train][trainer][resume][error]") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  static_cast<void>(train({.schedule = one_cycle(0.05), .leave_after = 2}, run));
  const std::vector<std::string> paths = Checkpoints(run).paths();
  struct Row {
    Settings settings;
    std::string text;
  };
  const Row rows[] = {
      {{.schedule = one_cycle(0.05), .seed = 6},
       "is of another loader: 100 images in 7 batches with seed 5, this training's has 100 images in 7 "
       "batches with "
       "seed 6"},
      {{.schedule = one_cycle(0.1)},
       "is of another schedule: its step 14 of 28 had the learning rate 0.0405872, in this training step 14 "
       "of 28 has "
       "0.0811745"},
      {{.schedule = halved}, "is of another schedule: its step 14 of 28 had the learning rate "},
      // Going on would make the rate jump.
      {{.epochs = 5, .schedule = one_cycle(0.05)},
       "is of another schedule: its step 14 of 28 had the learning rate 0.0405872, in this training step 14 "
       "of 35 has "},
      {{.epochs = 3, .schedule = one_cycle(0.05)},
       "is of another schedule: its step 14 of 28 had the learning rate 0.0405872, in this training step 14 "
       "of 21 has "},
      {{.epochs = 1, .schedule = one_cycle(0.05)},
       "is after step 14 of 28, and this training ends after step 7"},
      {{.epochs = 1}, "is after step 14 of 28, and this training ends after step 7"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK_THROWS_AS(train(row.settings, run), OtherTrainingError);
    CHECK_THROWS_WITH(train(row.settings, run), Contains(paths.front() + ": " + row.text) && Contains(kHint));
  }
  CHECK(Checkpoints(run).paths() == paths);
  CHECK(train({.schedule = one_cycle(0.05)}, run).notes ==
        std::vector<std::string>{"going on after step 14 of 28, from " + paths.front()});
}

TEST_CASE("epochs may be raised where no rate depends on their number", "[train][trainer][resume]") {
  for (const Schedule& schedule : {Schedule{}, Schedule{halved}}) {
    const TemporaryDirectory directory;
    const NamedArrays whole = train({.epochs = 4, .schedule = schedule}, directory / "whole").weights;
    const NamedArrays half = train({.epochs = 2, .schedule = schedule}, directory / "parts").weights;
    CHECK_FALSE(test::first_difference(whole, half).empty());
    const Outcome rest = train({.epochs = 4, .schedule = schedule}, directory / "parts");
    CHECK(rest.notes.size() == 1);
    CHECK(test::first_difference(whole, rest.weights).empty());
  }
}

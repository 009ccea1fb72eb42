// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/trainer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <utility>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/gradients.hpp>
#include <fathom/nn/train/checkpoint/finite.hpp>
#include <fathom/nn/train/interrupt.hpp>
#include <fathom/nn/train/trainer/gradients.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

namespace fathom::nn::train {

namespace {

constexpr std::string_view kStepsEntry = "steps", kCallbackEntry = "callback_";

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

void check_options(const TrainerOptions& options, const DataLoader& loader) {
  ArgumentCheck check("Trainer");
  check.at_least("epochs", options.epochs, 0, "it is the number of passes over the images");
  check.at_least("accumulate", options.accumulate, 1, "it is the number of batches in one step");
  check.at_least("checkpoint_steps", options.checkpoint_steps, 0, "0 writes one after each epoch alone");
  check.at_least("batches", loader.size(), 1,
                 "the loader has no batch: it needs images, as many as a batch "
                 "with drop_last");
  nn::detail::require_not_negative("Trainer", "clip_norm", options.clip_norm, "0 clips nothing");
  FATHOM_CHECK(check.hint("it is a share that is spread over all classes; 0.1 is usual"),
               options.label_smoothing >= 0 && options.label_smoothing <= 1, ValueError,
               "label_smoothing must be between 0 and 1 (it is {})", options.label_smoothing);
}

/// What the mean of an epoch so far is.
double mean(double sum, std::int64_t count) { return count > 0 ? sum / static_cast<double>(count) : 0; }

std::string last_good(const std::string& saved) {
  return saved.empty() ? "" : fmt::format("\n  the last good checkpoint is {}", saved);
}

}  // namespace

class Trainer::Stopwatch {
 public:
  /// Seconds since the last call, or since it was made.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Trainer::Trainer(Module& net, Optimizer& optimizer, DataLoader loader, TrainerOptions options)
    : net_(net), optimizer_(optimizer), loader_(std::move(loader)), options_(std::move(options)) {
  check_options(options_, loader_);
  train_loss_ = options_.loss;
  if (!train_loss_) {
    train_loss_ = [smoothing = options_.label_smoothing](const Variable& scores, const Array& labels) {
      return ops::softmax_cross_entropy(scores, labels, {.label_smoothing = smoothing});
    };
  }
  if (options_.ema) ema_.emplace(net_, *options_.ema);
  if (!options_.checkpoints.empty()) checkpoints_.emplace(options_.checkpoints, options_.keep);
}

std::int64_t Trainer::total_steps() const {
  return options_.epochs * ceil_div(loader_.size(), options_.accumulate);
}

bool Trainer::wants_to_stop() const {
  return std::any_of(callbacks_.begin(), callbacks_.end(),
                     [](const Callback* callback) { return callback->wants_to_stop(); });
}

void Trainer::note(const std::string& text) {
  bool is_seen = false;
  for (Callback* callback : callbacks_) is_seen = callback->on_note(text) || is_seen;
  if (!is_seen) std::cerr << text << '\n';
}

TrainingState Trainer::state() {
  TrainingState state{.net = net_,
                      .optimizer = optimizer_,
                      .ema = ema_ ? &*ema_ : nullptr,
                      .loader = &loader_,
                      .position = position_};
  state.extra.emplace_back(kStepsEntry, Array::from({total_steps()}, {}));
  std::size_t number = 0;
  for (const Callback* callback : callbacks_) {
    const std::vector<double> kept = callback->state();
    if (kept.empty()) continue;
    state.extra.emplace_back(fmt::format("{}{}", kCallbackEntry, number++),
                             Array::from(kept, {static_cast<std::int64_t>(kept.size())}));
  }
  return state;
}

void Trainer::require_same_callbacks(const std::string& path, const NamedArrays& extra) {
  const NamedArrays own = state().extra;
  const bool same =
      std::equal(extra.begin(), extra.end(), own.begin(), own.end(), [](const auto& a, const auto& b) {
        return a.first == b.first && a.second.shape() == b.second.shape();
      });
  if (same) return;
  const auto list = [](const NamedArrays& arrays) {
    std::string text;
    for (const auto& [name, array] : arrays) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, describe(array));
    }
    return text.empty() ? "nothing" : text;
  };
  throw OtherTrainingError(path, fmt::format("is of other callbacks: it keeps {}; this training keeps {}",
                                             list(extra), list(own)));
}

/// The rate must go on where it was.
void Trainer::require_same_schedule(const std::string& path, const TrainingState& loaded) {
  const std::int64_t step = loaded.position.step, steps = total_steps();
  const std::int64_t saved_steps = *loaded.extra.front().second.data<std::int64_t>();
  if (step > steps) {
    throw OtherTrainingError(path, fmt::format("is after step {} of {}, and this training ends after step {}",
                                               step, saved_steps, steps));
  }
  if (!options_.schedule || step == 0) return;
  const double saved = optimizer_.lr(), own = options_.schedule(step - 1, steps);
  // Another machine's cosine may have another last digit.
  constexpr double kTolerance = 1e-9;
  if (std::abs(saved - own) <= kTolerance * std::max(std::abs(saved), std::abs(own))) return;
  throw OtherTrainingError(
      path, fmt::format("is of another schedule: its step {} of {} had the learning rate {:.6g}, in "
                        "this training step {} of {} has {:.6g}",
                        step, saved_steps, saved, step, steps, own));
}

void Trainer::resume() {
  if (!checkpoints_) return;
  if (!options_.resume) {
    const std::vector<std::string> paths = checkpoints_->paths();
    if (paths.empty()) return;
    fathom::detail::fail_file(paths.front(),
                              "is a checkpoint of another training, and this one is to begin anew",
                              "choose another directory, or remove the checkpoints");
  }
  TrainingState loaded = state();
  const std::optional<Checkpoints::Loaded> found = checkpoints_->load_last(loaded);
  if (!found) return;
  for (const std::string& text : found->refused) note("passed over: " + text);
  require_same_callbacks(found->path, loaded.extra);
  require_same_schedule(found->path, loaded);
  position_ = loaded.position;
  saved_ = found->path;
  auto entry = loaded.extra.begin() + 1;
  for (Callback* callback : callbacks_) {
    if (callback->state().empty()) continue;
    const Array& kept = (entry++)->second;
    callback->set_state({kept.data<double>(), static_cast<std::size_t>(kept.size())});
  }
  note(fmt::format("going on after step {} of {}, from {}", position_.step, total_steps(), found->path));
}

TrainingResult Trainer::run() {
  resume();
  net_.train();
  std::optional<InterruptScope> interrupt;
  if (options_.interruptible) interrupt.emplace();
  for (Callback* callback : callbacks_) callback->on_start(position_.epoch);
  Stopwatch watch;
  result_ = {};
  while (position_.epoch < options_.epochs && result_.ending == Ending::finished) {
    if (wants_to_stop()) {
      result_.ending = Ending::stopped;
    } else if (!run_epoch(watch)) {
      result_.ending = Ending::interrupted;
    }
  }
  for (Callback* callback : callbacks_) callback->on_end();
  return result_;
}

/// False when it was interrupted.
bool Trainer::run_epoch(Stopwatch& watch) {
  loader_.set_position(position_.epoch, position_.batch);
  std::vector<Batch> batches;
  for (auto next = loader_.begin(); next != loader_.end();) {
    if (options_.interruptible && InterruptScope::requested()) {
      leave(watch);
      return false;
    }
    batches.clear();
    for (; next != loader_.end() && std::ssize(batches) < options_.accumulate; ++next)
      batches.push_back(*next);
    step(batches, watch);
    const bool is_last = position_.batch == loader_.size();
    if (options_.checkpoint_steps > 0 && position_.step % options_.checkpoint_steps == 0 && !is_last)
      save(watch);
  }
  end_epoch(watch);
  return true;
}

void Trainer::step(std::span<const Batch> batches, Stopwatch& watch) {
  if (options_.schedule) optimizer_.set_lr(options_.schedule(position_.step, total_steps()));
  detail::StepSums sums;
  try {
    sums = detail::add_gradients(net_, optimizer_.parameters(), train_loss_, batches);
  } catch (const NumericError& error) {
    throw NumericError(fmt::format(
        "Trainer: step {} of {}, in epoch {}, is not finite; learning rate {:.6g}{}\n{}", position_.step + 1,
        total_steps(), position_.epoch + 1, optimizer_.lr(), last_good(saved_), error.what()));
  }
  if (options_.clip_norm > 0) clip_gradient_norm(optimizer_.parameters(), options_.clip_norm);
  optimizer_.step();
  optimizer_.zero_grad();
  if (ema_) ema_->update();
  ++position_.step;
  position_.batch += std::ssize(batches);
  position_.images += sums.images;
  position_.correct += sums.correct;
  position_.loss += sums.loss;
  const double seconds = watch.lap();
  position_.epoch_seconds += seconds;
  position_.seconds += seconds;
  const StepRecord record{.epoch = position_.epoch + 1,
                          .epochs = options_.epochs,
                          .step = position_.step,
                          .steps = total_steps(),
                          .images = position_.images,
                          .images_per_epoch = loader_.images_per_epoch(),
                          .loss = mean(position_.loss, position_.images),
                          .accuracy = mean(static_cast<double>(position_.correct), position_.images),
                          .learning_rate = optimizer_.lr(),
                          .seconds = position_.seconds};
  for (Callback* callback : callbacks_) callback->on_step(record);
}

void Trainer::end_epoch(Stopwatch& watch) {
  EpochRecord record{
      .epoch = position_.epoch + 1,
      .epochs = options_.epochs,
      .step = position_.step,
      .loss = mean(position_.loss, position_.images),
      .accuracy = mean(static_cast<double>(position_.correct), position_.images),
      .learning_rate = optimizer_.lr(),
      .images_per_second =
          position_.epoch_seconds > 0 ? static_cast<double>(position_.images) / position_.epoch_seconds : 0};
  if (validation_) record.validation = evaluate(*validation_);
  const double seconds = position_.seconds + watch.lap();
  record.seconds = seconds;
  position_ = {.epoch = position_.epoch + 1, .step = position_.step, .seconds = seconds};
  for (Callback* callback : callbacks_) callback->on_epoch(record);
  result_.last = std::move(record);
  save(watch);
}

void Trainer::save(Stopwatch& watch) {
  if (!checkpoints_) return;
  position_.seconds += watch.lap();
  try {
    saved_ = checkpoints_->save(state());
  } catch (const NumericError& error) {
    throw NumericError(
        fmt::format("Trainer: a weight is not finite after step {} of {}; learning rate {:.6g}{}\n{}",
                    position_.step, total_steps(), optimizer_.lr(), last_good(saved_), error.what()));
  }
}

void Trainer::leave(Stopwatch& watch) {
  std::string where = "nothing is saved: there are no checkpoints";
  if (checkpoints_ && position_.step == 0) {
    where = "there is nothing to save yet";  // and a net may have no weights
  } else if (checkpoints_) {
    save(watch);
    where = fmt::format("{} is saved: the same command goes on from there", saved_);
  }
  note(fmt::format("interrupted by {} after step {} of {}; {}", interrupt_name(InterruptScope::signal()),
                   position_.step, total_steps(), where));
}

Evaluation Trainer::evaluate(DataLoader loader) {
  std::optional<EmaScope> averages;
  if (ema_) averages.emplace(*ema_);
  return train::evaluate(net_, std::move(loader), options_.loss);
}

void Trainer::save_weights(const std::string& path) {
  std::optional<EmaScope> averages;
  if (ema_) averages.emplace(*ema_);
  require_initialized("save_weights", net_);
  detail::require_finite(path, net_);
  nn::save(net_, path);
}

}  // namespace fathom::nn::train

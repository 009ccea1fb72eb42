// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fathom/nn/data/data_loader.hpp>
#include <fathom/nn/module.hpp>
#include <fathom/nn/optim/optimizer.hpp>
#include <fathom/nn/train/callback.hpp>
#include <fathom/nn/train/checkpoint.hpp>
#include <fathom/nn/train/ema.hpp>
#include <fathom/nn/train/evaluate.hpp>
#include <fathom/nn/train/record.hpp>

namespace fathom::nn::train {

struct TrainerOptions {
  std::int64_t epochs = 10;
  /// The rate of step `step`, from 0, of `steps`: nn::one_cycle(step, steps), say. Empty: the optimizer's
  /// own.
  std::function<double(std::int64_t step, std::int64_t steps)> schedule = {};
  Loss loss = {};              ///< empty: softmax_cross_entropy, in training with `label_smoothing`
  double label_smoothing = 0;  ///< only without `loss`; validation has none
  std::int64_t accumulate =
      1;                 ///< batches of the loader in one step, an epoch's last step taking what is left
  double clip_norm = 0;  ///< longest gradient, all parameters together; 0: any
  std::optional<EmaOptions> ema = {};  ///< keep averages of the weights, and evaluate those

  std::string checkpoints = {};       ///< directory for them; empty: none
  std::int64_t keep = 2;              ///< how many of them stay
  std::int64_t checkpoint_steps = 0;  ///< steps between two, besides one after each epoch; 0: only those
  bool resume =
      true;  ///< go on from the last of them; false: IoError when there is one, so that none is lost
  bool interruptible = true;  ///< on Ctrl-C or SIGTERM leave after the step; see InterruptScope
};

enum class Ending : std::uint8_t {
  finished,    ///< all epochs are done
  stopped,     ///< a callback wanted to stop
  interrupted  ///< Ctrl-C or SIGTERM
};

struct TrainingResult {
  Ending ending = Ending::finished;
  std::optional<EpochRecord> last = {};  ///< the last epoch that this run has ended
};

/// A loop over epochs and batches, as docs/training.md writes it by hand, with what a longer training wants:
///
///     nn::train::Trainer trainer{net, optimizer, loader, {.epochs = 5, .checkpoints = directory}};
///     nn::train::Progress progress;
///     trainer.add(progress);
///     const nn::train::TrainingResult result = trainer.run();
///
/// With `checkpoints` a run that was killed at any moment goes on, when it is started again, to the same last
/// bit as one that was not: what must be equal are net, optimizer, loader, options and callbacks. A
/// checkpoint that is truncated or corrupt is noted and passed over. One of another training is an error, as
/// far as it can be told: by net, kind of optimizer, number of images and batches, seed, number of callbacks
/// with a state, and by the rate that the last step had, which must be what the schedule gives that step now.
/// So `epochs` may be raised, unless the schedule then takes another course.
class FATHOM_EXPORT Trainer {
 public:
  /// Net and optimizer must outlive it. Throws ValueError for an option out of range and for a loader without
  /// a batch.
  Trainer(Module& net, Optimizer& optimizer, DataLoader loader, TrainerOptions options = {});
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  ~Trainer() = default;

  /// Evaluate on these images after each epoch.
  void validate_on(DataLoader loader) { validation_ = std::move(loader); }
  /// Tell this one how it goes, after those that were added before. It must outlive the trainer.
  void add(Callback& callback) { callbacks_.push_back(&callback); }

  /// Trains, once. Throws NumericError where a loss, gradient or weight is NaN or infinite: it names the step
  /// and the function; weights are as before that step, and the last checkpoint stays. IoError when a
  /// checkpoint cannot be written; OtherTrainingError when one is of another training; and what net, loss and
  /// callbacks throw.
  TrainingResult run();

  /// How well the weights do, or their averages if there are any.
  [[nodiscard]] Evaluation evaluate(DataLoader loader);
  /// Writes the same weights by nn::save. Throws what that throws, and NumericError naming the first array
  /// that is NaN or infinite.
  void save_weights(const std::string& path);

 private:
  /// Tells how much time went by.
  class Stopwatch;

  void resume();
  void require_same_callbacks(const std::string& path, const NamedArrays& extra);
  void require_same_schedule(const std::string& path, const TrainingState& loaded);
  [[nodiscard]] bool run_epoch(Stopwatch& watch);
  void step(std::span<const Batch> batches, Stopwatch& watch);
  void end_epoch(Stopwatch& watch);
  void save(Stopwatch& watch);
  void leave(Stopwatch& watch);
  void note(const std::string& text);
  [[nodiscard]] bool wants_to_stop() const;
  [[nodiscard]] std::int64_t total_steps() const;
  [[nodiscard]] TrainingState state();

  Module& net_;
  Optimizer& optimizer_;
  DataLoader loader_;
  TrainerOptions options_;
  Loss train_loss_;
  std::optional<DataLoader> validation_;
  std::vector<Callback*> callbacks_;
  std::optional<Ema> ema_;
  std::optional<Checkpoints> checkpoints_;
  Position position_;
  std::string saved_;  // path of the last checkpoint
  TrainingResult result_;
};

}  // namespace fathom::nn::train

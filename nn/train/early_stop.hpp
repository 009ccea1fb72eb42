// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

enum class StopOn : std::uint8_t { loss, accuracy };

struct EarlyStopOptions {
  std::int64_t patience = 5;     ///< epochs in a row that may be no better than the best
  StopOn watch = StopOn::loss;   ///< of the validation
  double least_improvement = 0;  ///< what is better by no more than this is no better
};

/// Ends a training whose validation no longer improves. The net keeps its last weights, not those of the best
/// epoch; docs/training.md shows a callback that writes these into a file. It outlives interruptions: the
/// count goes on where the checkpoint has it.
class FATHOM_EXPORT EarlyStop final : public Callback {
 public:
  /// Throws ValueError for a patience below 1 or a negative improvement.
  explicit EarlyStop(const EarlyStopOptions& options = {});

  /// Throws ValueError when the epoch has no validation.
  void on_epoch(const EpochRecord& record) override;
  [[nodiscard]] bool wants_to_stop() const override { return waited_ >= options_.patience; }
  [[nodiscard]] std::vector<double> state() const override;
  void set_state(std::span<const double> state) override;

  /// The best epoch so far, from 1; 0 before the first.
  [[nodiscard]] std::int64_t best_epoch() const { return best_epoch_; }

 private:
  EarlyStopOptions options_;
  double best_ = 0;  // loss, or accuracy with its sign changed: the least is the best
  std::int64_t best_epoch_ = 0;
  std::int64_t waited_ = 0;
};

}  // namespace fathom::nn::train

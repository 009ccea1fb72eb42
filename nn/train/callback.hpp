// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <fathom/core/export.hpp>
#include <fathom/nn/train/record.hpp>

namespace fathom::nn::train {

/// Is told how a training goes; override what is of interest. What a callback throws ends the training.
class FATHOM_EXPORT Callback {
 public:
  Callback() = default;
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  virtual ~Callback();

  /// Before the first step of this run, `first` being the number of epochs already done (0 for a new
  /// training).
  virtual void on_start(std::int64_t /*first*/) {}
  virtual void on_step(const StepRecord& /*record*/) {}
  virtual void on_epoch(const EpochRecord& /*record*/) {}
  /// After the last epoch, or when the training is left early; not when an exception ends it.
  virtual void on_end() {}
  /// Something that deserves a line: where the training goes on from, a checkpoint that was refused, an
  /// interruption. Says whether the user sees it: if no callback says so, the trainer writes it to std::cerr.
  virtual bool on_note(std::string_view /*text*/) { return false; }
  /// Numbers that must outlive an interruption. They go into every checkpoint, and `set_state` gets them back
  /// before `on_start`. Their count never changes.
  [[nodiscard]] virtual std::vector<double> state() const { return {}; }
  virtual void set_state(std::span<const double> /*state*/) {}
  /// Asked after each epoch: true ends the training.
  [[nodiscard]] virtual bool wants_to_stop() const { return false; }
};

}  // namespace fathom::nn::train

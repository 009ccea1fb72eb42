// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/early_stop.hpp>

#include <fmt/format.h>

#include <cmath>

#include <fathom/core/check.hpp>
#include <fathom/nn/optim/checks/options.hpp>

namespace fathom::nn::train {

EarlyStop::EarlyStop(const EarlyStopOptions& options) : options_(options) {
  ArgumentCheck("EarlyStop").at_least("patience", options.patience, 1, "it is a number of epochs");
  nn::detail::require_not_negative("EarlyStop", "least_improvement", options.least_improvement,
                                   "0 takes any improvement");
}

void EarlyStop::on_epoch(const EpochRecord& record) {
  FATHOM_CHECK(
      ArgumentCheck("EarlyStop").hint("give the trainer images to validate on: Trainer::validate_on"),
      record.validation.has_value(), ValueError, "epoch {} has no validation", record.epoch);
  const double value =
      options_.watch == StopOn::loss ? record.validation->loss : -record.validation->accuracy;
  const bool is_better = best_epoch_ == 0 ? !std::isnan(value) : value < best_ - options_.least_improvement;
  if (!is_better) {
    ++waited_;
    return;
  }
  best_ = value;
  best_epoch_ = record.epoch;
  waited_ = 0;
}

std::vector<double> EarlyStop::state() const {
  return {best_, static_cast<double>(best_epoch_), static_cast<double>(waited_)};
}

void EarlyStop::set_state(std::span<const double> state) {
  best_ = state[0];
  best_epoch_ = static_cast<std::int64_t>(state[1]);
  waited_ = static_cast<std::int64_t>(state[2]);
}

}  // namespace fathom::nn::train

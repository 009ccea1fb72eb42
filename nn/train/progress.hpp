// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

struct ProgressOptions {
  std::ostream* out = nullptr;  ///< null: std::cout
  /// A bar that is drawn again and again, as wide as this many columns; 0: none. Absent: what the terminal
  /// has when `out` is std::cout and that is one, else 0.
  std::optional<std::int64_t> columns = {};
};

/// Shows how a training goes: a bar with rate and time left on a terminal; and, there as elsewhere, one plain
/// line after each epoch and for each note.
///
///     epoch 3/10 [=======>            ] loss 0.3412, 87.05 %, 41234 images/s, 1:23 left
///     epoch 3/10: loss 0.3391, accuracy 87.12 %, validation loss 0.3120, accuracy 88.90 %, 41234 images/s,
///     83 s
class FATHOM_EXPORT Progress final : public Callback {
 public:
  explicit Progress(const ProgressOptions& options = {});

  void on_start(std::int64_t first) override;
  void on_step(const StepRecord& record) override;
  void on_epoch(const EpochRecord& record) override;
  bool on_note(std::string_view text) override;
  void on_end() override;

 private:
  /// Where something is measured from.
  struct Start {
    std::int64_t epoch, step, images;
    double seconds;
  };
  [[nodiscard]] std::string measured(const StepRecord& record);
  void print(std::string_view line);

  std::ostream& out_;
  std::int64_t columns_;
  std::int64_t bar_width_ = 20;
  bool has_bar_ = false;  // one stands in the last line
  double drawn_ = 0;      // when, in seconds of the training
  std::optional<Start> run_, epoch_;
};

}  // namespace fathom::nn::train

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include <fathom/core/append_file.hpp>
#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

struct TensorBoardLogOptions {
  std::int64_t every = 50;  ///< steps between two values of the running curves; 0: none of them
};

/// Scalars for TensorBoard: `tensorboard --logdir DIRECTORY`. Their step is the optimizer's. After each epoch
/// come loss/training, accuracy/training, learning_rate, images_per_second and epoch, and where there was a
/// validation loss/validation, accuracy/validation and top5/validation; during it running/loss and
/// running/accuracy, means over the epoch so far, and running/learning_rate.
///
/// Each object makes an event file of its own in the directory, which sorts behind those that are there, and
/// its first record says that what those have from the same step on does not count: a resumed training goes
/// on in the curves of the one before, and a new one in the same directory replaces them.
class FATHOM_EXPORT TensorBoardLog final : public Callback {
 public:
  /// Makes the directory. Throws IoError when it cannot be made or written to, ValueError for a negative
  /// `every`.
  explicit TensorBoardLog(const std::string& directory, TensorBoardLogOptions options = {});
  void on_start(std::int64_t first) override;
  void on_step(const StepRecord& record) override;
  void on_epoch(const EpochRecord& record) override;
  [[nodiscard]] const std::string& path() const { return file_.path(); }  ///< of the event file

 private:
  void start_at(std::int64_t step);

  TensorBoardLogOptions options_;
  AppendFile file_;
  bool is_new_ = true, has_started_ = false;
};

}  // namespace fathom::nn::train

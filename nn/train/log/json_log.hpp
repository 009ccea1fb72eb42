// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <fathom/core/append_file.hpp>
#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

/// A line of JSON for each epoch, with the fields of epoch_fields: {"epoch": 1, "epochs": 5, ...}. What is
/// not known, and NaN and infinities, for which JSON has no word, are null.
///
/// Each line is in the file when on_epoch returns. A new training begins the file anew; one that is resumed
/// keeps the lines of the epochs before, and drops those of epochs that are trained again.
class FATHOM_EXPORT JsonLog final : public Callback {
 public:
  /// Throws IoError when the file cannot be written. Its directory must exist.
  explicit JsonLog(std::string path);
  /// Throws IoError when the file has lines that no JsonLog wrote, which a resumed training would have to
  /// keep.
  void on_start(std::int64_t first) override;
  void on_epoch(const EpochRecord& record) override;

 private:
  AppendFile file_;
};

}  // namespace fathom::nn::train

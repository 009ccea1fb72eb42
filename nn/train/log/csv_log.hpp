// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <fathom/core/append_file.hpp>
#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

/// A line of comma-separated values for each epoch, below a line with the names of epoch_fields. What is not
/// known is empty; there are "nan" and "inf". Begins, and goes on after an interruption, as JsonLog does.
class FATHOM_EXPORT CsvLog final : public Callback {
 public:
  /// Throws IoError when the file cannot be written. Its directory must exist.
  explicit CsvLog(std::string path);
  /// Throws IoError when the file has lines that no CsvLog wrote, which a resumed training would have to
  /// keep.
  void on_start(std::int64_t first) override;
  void on_epoch(const EpochRecord& record) override;
  [[nodiscard]] const std::string& path() const { return file_.path(); }

 private:
  AppendFile file_;
};

}  // namespace fathom::nn::train

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <iosfwd>
#include <string>

#include <fathom/nn/train/callback.hpp>
#include <fathom/nn/train/log/csv_log.hpp>

namespace fathom::nn::train {

struct CurvesOptions {
  std::string title = "Training";
  bool each_epoch = false;           ///< draws after each epoch, not only when the training ends
  std::string gnuplot = "gnuplot";   ///< the program, with its path unless it is on PATH
  std::ostream* messages = nullptr;  ///< for the line that says why nothing was drawn; null: standard error
};

/// Loss and accuracy over the epochs as pictures. For the path "out/curves" there are out/curves.csv (a
/// CsvLog), out/curves.gp (a script for gnuplot), and drawn by it out/curves.svg and out/curves.png. Without
/// gnuplot, or where it fails, a line says so and the training goes on: `cd out && gnuplot curves.gp` draws
/// later or elsewhere.
class FATHOM_EXPORT Curves final : public Callback {
 public:
  /// Throws IoError when the files cannot be written. Their directory must exist.
  explicit Curves(const std::string& path, CurvesOptions options = {});
  void on_start(std::int64_t first) override;
  void on_epoch(const EpochRecord& record) override;
  void on_end() override;

 private:
  void draw() const;

  std::string path_;
  CurvesOptions options_;
  CsvLog data_;
};

}  // namespace fathom::nn::train

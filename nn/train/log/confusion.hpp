// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

/// A confusion matrix as a table of text: a row for each label, a column for each class that its images were
/// taken for ("." for 0), the number of its images and the share of them that is right in percent; in the
/// last row the share of those taken for a class that are of it. Classes without a name have their number.
/// @param confusion int64 (classes, classes), as in Evaluation and from ops::confusion_matrix
/// @throws ShapeError, DTypeError
[[nodiscard]] FATHOM_EXPORT std::string confusion_table(const Array& confusion,
                                                        const std::vector<std::string>& names = {});

/// The `count` most frequent mistakes as a table of text, for which the number of classes may be large:
/// label, what was taken for it, how many images and their share of the label's images in percent. Of equally
/// frequent ones the first label comes first. Throws ShapeError, DTypeError, ValueError for a negative count.
[[nodiscard]] FATHOM_EXPORT std::string confusion_pairs(const Array& confusion,
                                                        const std::vector<std::string>& names = {},
                                                        std::int64_t count = 10);

/// After each epoch with a validation, a text file with both: the table for up to 30 classes, and the most
/// frequent mistakes.
class FATHOM_EXPORT ConfusionLog final : public Callback {
 public:
  /// Throws IoError when the file cannot be written. Its directory must exist.
  explicit ConfusionLog(std::string path, std::vector<std::string> names = {});
  void on_epoch(const EpochRecord& record) override;

 private:
  std::string path_;
  std::vector<std::string> names_;
};

}  // namespace fathom::nn::train

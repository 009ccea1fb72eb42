// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include <fathom/core/export.hpp>
#include <fathom/nn/train/record.hpp>

namespace fathom::nn::train {

/// A number of an EpochRecord; none where there was no validation.
struct EpochField {
  std::string_view name;  ///< that of the record's member, with "validation_" before those of Evaluation
  std::variant<std::monostate, std::int64_t, double> value;
};

/// The numbers of a record for who writes logs, always the same in the same order: epoch, epochs, step, loss,
/// accuracy, learning_rate, images_per_second, seconds, validation_images, validation_loss,
/// validation_accuracy, validation_top5.
[[nodiscard]] FATHOM_EXPORT std::vector<EpochField> epoch_fields(const EpochRecord& record);

}  // namespace fathom::nn::train

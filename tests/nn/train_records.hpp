// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/train/record.hpp>

#include <string>

#include <fathom/core/file.hpp>

// What a training tells its logs, made up.

inline fathom::nn::train::EpochRecord epoch_record(std::int64_t epoch, bool is_validated = true) {
  const auto number = static_cast<double>(epoch);
  fathom::nn::train::EpochRecord record{.epoch = epoch,
                                        .epochs = 5,
                                        .step = 100 * epoch,
                                        .loss = 1 / number,
                                        .accuracy = 1 - 0.5 / number,
                                        .learning_rate = 0.1 / number,
                                        .images_per_second = 2500,
                                        .seconds = 1.5 * number};
  if (is_validated) {
    record.validation = {.images = 8,
                         .loss = 2 / number,
                         .accuracy = 0.75,
                         .top5 = 1,
                         .confusion = fathom::Array::from<std::int64_t>({3, 1, 1, 3}, {2, 2})};
  }
  return record;
}

inline std::string text_of(const std::string& path) {
  const fathom::Bytes bytes = fathom::read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void write_text(const std::string& path, const std::string& text) {
  fathom::write_file(path, std::as_bytes(std::span(text)));
}

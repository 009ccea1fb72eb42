// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fathom/core/export.hpp>

// TensorFlow's event files: tensorflow/core/util/event.proto and lib/io/record_writer.h.
namespace fathom::nn::train::detail {

struct Scalar {
  std::string_view tag;
  double value = 0;  ///< a float in the file
};

/// The first event of a file. Times are in seconds since 1970.
[[nodiscard]] FATHOM_EXPORT std::string version_event(double time);
/// What earlier files have from `step` on does not count.
[[nodiscard]] FATHOM_EXPORT std::string start_event(double time, std::int64_t step);
[[nodiscard]] FATHOM_EXPORT std::string scalar_event(double time, std::int64_t step,
                                                     std::span<const Scalar> scalars);

/// The event with its length and checksums, as it stands in the file.
[[nodiscard]] FATHOM_EXPORT std::string tf_record(std::string_view event);
/// CRC-32C, Castagnoli's polynomial; RFC 3720, B.4.
[[nodiscard]] FATHOM_EXPORT std::uint32_t crc32c(std::string_view bytes);

}  // namespace fathom::nn::train::detail

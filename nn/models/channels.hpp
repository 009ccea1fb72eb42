// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include <fathom/core/check.hpp>
#include <fathom/core/export.hpp>

namespace fathom::nn::detail {

/// channels * width as the nearest multiple of 8, or the next one if that is below 90 % of it: what
/// MobileNets from the second on do.
[[nodiscard]] FATHOM_EXPORT std::int64_t scaled_channels(std::int64_t channels, double width);

/// Throws ValueError in the model's name for a width that is not positive, in_channels or classes below 1.
void check_model(std::string_view model, double width, std::int64_t in_channels, std::int64_t classes);

}  // namespace fathom::nn::detail

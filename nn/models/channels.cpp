// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/models/channels.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace fathom::nn::detail {

std::int64_t scaled_channels(std::int64_t channels, double width) {
  constexpr std::int64_t kMultiple = 8;
  const double wanted = static_cast<double>(channels) * width;
  const std::int64_t nearest =
      std::max(kMultiple, static_cast<std::int64_t>(wanted + kMultiple / 2) / kMultiple * kMultiple);
  return static_cast<double>(nearest) < 0.9 * wanted ? nearest + kMultiple : nearest;
}

void check_model(std::string_view model, double width, std::int64_t in_channels, std::int64_t classes) {
  ArgumentCheck check{model};
  FATHOM_CHECK(check.hint("1 is the net of the paper, 0.5 has half of its channels"), width > 0, ValueError,
               "width must be positive (it is {})", width);
  check.at_least("in_channels", in_channels, 1, "it is the size of axis 1 of x");
  check.at_least("classes", classes, 1, "it is the number of outputs for an image");
}

}  // namespace fathom::nn::detail

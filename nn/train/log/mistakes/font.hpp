// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fathom/core/export.hpp>

namespace fathom::nn::train::detail {

// Letters of 5 x 8 pixels, the last row for what hangs below the line.
inline constexpr std::int64_t kGlyphWidth = 5, kGlyphHeight = 8;

/// Whether the pixel of the letter is ink. What is no printable ASCII looks like '?'.
[[nodiscard]] FATHOM_EXPORT bool has_ink(char letter, std::int64_t row, std::int64_t column);

/// UTF-8 with '?' for each character that the font lacks.
[[nodiscard]] FATHOM_EXPORT std::string printable(std::string_view text);

}  // namespace fathom::nn::train::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <fathom/core/array.hpp>
#include <fathom/core/export.hpp>

namespace fathom::nn {

/// The pixels of a PNG file, uint8: (h, w) when it is gray, else (h, w, c): c is 2 for gray with alpha, 3 for
/// RGB, 4 for RGBA. Palettes become RGB or RGBA, 16 bits the nearest of 8, fewer bits all 8 (white is 255);
/// gamma and colour profiles are left aside. Throws IoError naming the file: missing, no PNG, truncated or
/// corrupt. Format: PNG specification, third edition, 2025.
[[nodiscard]] FATHOM_EXPORT Array read_png(const std::string& path);

/// Writes uint8 pixels (h, w) or (h, w, c) with c from 1 to 4 as read_png returns them; the file appears
/// whole or not at all. Throws ShapeError, DTypeError; IoError when it cannot be written.
FATHOM_EXPORT void write_png(const std::string& path, const Array& pixels);

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/mistakes/canvas.hpp>

#include <algorithm>

#include <fathom/nn/train/log/mistakes/font.hpp>

namespace fathom::nn::train::detail {

Canvas::Canvas(std::int64_t width, std::int64_t height)
    : width_(width), height_(height), pixels_(Array::full({height, width, 3}, 255, DType::uint8)) {}

void Canvas::rectangle(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Color color) {
  auto* pixels = pixels_.mutable_data<std::uint8_t>();
  for (std::int64_t row = std::max<std::int64_t>(y, 0); row < std::min(y + height, height_); ++row) {
    for (std::int64_t column = std::max<std::int64_t>(x, 0); column < std::min(x + width, width_); ++column) {
      std::copy(color.begin(), color.end(), pixels + 3 * (row * width_ + column));
    }
  }
}

void Canvas::text(std::int64_t x, std::int64_t y, std::int64_t scale, std::string_view text, Color color) {
  for (const char letter : text) {
    for (std::int64_t row = 0; row < kGlyphHeight; ++row) {
      for (std::int64_t column = 0; column < kGlyphWidth; ++column) {
        if (!has_ink(letter, row, column)) continue;
        rectangle(x + column * scale, y + row * scale, scale, scale, color);
      }
    }
    x += (kGlyphWidth + 1) * scale;
  }
}

std::int64_t Canvas::text_width(std::int64_t letters, std::int64_t scale) {
  return std::max<std::int64_t>(letters * (kGlyphWidth + 1) - 1, 0) * scale;
}

}  // namespace fathom::nn::train::detail

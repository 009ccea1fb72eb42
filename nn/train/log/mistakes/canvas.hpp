// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <fathom/core/array.hpp>

namespace fathom::nn::train::detail {

using Color = std::array<std::uint8_t, 3>;

/// A picture to draw on, white at first. What lies outside is left out.
class Canvas {
 public:
  Canvas(std::int64_t width, std::int64_t height);

  void rectangle(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Color color);
  /// Letters of 5 x 8 pixels, each pixel a square of `scale`, the upper left corner at (x, y).
  void text(std::int64_t x, std::int64_t y, std::int64_t scale, std::string_view text, Color color);

  [[nodiscard]] const Array& pixels() const { return pixels_; }  ///< uint8 (h, w, 3)
  /// How wide `letters` letters are.
  [[nodiscard]] static std::int64_t text_width(std::int64_t letters, std::int64_t scale);

 private:
  std::int64_t width_, height_;
  Array pixels_;
};

}  // namespace fathom::nn::train::detail

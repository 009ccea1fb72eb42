// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom::test {

inline std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  return text;
}

/// One chunk of a PNG file: length, type, contents, and the CRC-32 of both.
inline std::string png_chunk(std::string_view type, const std::string& contents) {
  const std::string text = std::string(type) + contents;
  std::uint32_t crc = 0xffffffff;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return big_endian(static_cast<std::uint32_t>(contents.size())) + text + big_endian(~crc);
}

/// A PNG file by hand. `rows` has a filter byte at the start of each row and is stored unpacked.
struct PngText {
  std::uint32_t width, height;
  int depth, color;  ///< bits of a sample; 0 gray, 2 RGB, 3 palette, 4 gray with alpha, 6 RGBA
  std::string rows;
  std::string chunks = {};  ///< before the pixels
  int interlace = 0;

  [[nodiscard]] std::string text() const {
    std::uint32_t a = 1, b = 0;
    for (const char c : rows) {
      a = (a + static_cast<unsigned char>(c)) % 65521;
      b = (b + a) % 65521;
    }
    const auto size = static_cast<std::uint32_t>(rows.size());
    std::string packed = "\x78\x01\x01";  // of zlib: one stored block, the last
    for (const std::uint32_t half : {size, ~size}) {
      packed += static_cast<char>(half);
      packed += static_cast<char>(half >> 8);
    }
    packed += rows + big_endian(b << 16 | a);
    std::string header = big_endian(width) + big_endian(height);
    for (const int byte : {depth, color, 0, 0, interlace}) header += static_cast<char>(byte);
    return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + chunks + png_chunk("IDAT", packed) +
           png_chunk("IEND", "");
  }
};

}  // namespace fathom::test

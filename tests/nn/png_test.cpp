// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/data/png.hpp>

#include <catch2/catch.hpp>
#include <span>
#include <string>
#include <vector>

#include "nn/png_text.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using test::png_chunk;
using test::PngText;
using namespace std::string_literals;

namespace {

void write_text(const std::string& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text)));
}

Array bytes(const std::vector<std::uint8_t>& values, const Shape& shape) {
  return Array::from(values, shape);
}

const std::string kPalette =
    png_chunk("PLTE", "\xff\x00\x00\x00\xff\x00\x01\x02\x03"s);  // red, green, {1, 2, 3}

}  // namespace

TEST_CASE("read_png reads every kind of pixel", "[png]") {
  struct Case {
    std::string what;
    PngText file;
    Array pixels;
  };
  const std::vector<Case> table{
      {"8 bits", {3, 2, 8, 0, "\0\x01\x02\x03\0\x04\x05\xff"s}, bytes({1, 2, 3, 4, 5, 255}, {2, 3})},
      {"filters: left, above",
       {3, 2, 8, 0, "\x01\x01\x01\x01\x02\x03\x03\x03"s},
       bytes({1, 2, 3, 4, 5, 6}, {2, 3})},
      {"1 bit", {10, 1, 1, 0, "\0\xa0\x40"s}, bytes({255, 0, 255, 0, 0, 0, 0, 0, 0, 255}, {1, 10})},
      {"2 bits", {4, 1, 2, 0, "\0\x1b"s}, bytes({0, 85, 170, 255}, {1, 4})},
      {"4 bits", {2, 1, 4, 0, "\0\x1f"s}, bytes({17, 255}, {1, 2})},
      {"16 bits, to the nearest", {3, 1, 16, 0, "\0\x01\x00\x00\xff\xff\xff"s}, bytes({1, 1, 255}, {1, 3})},
      {"gray and alpha", {1, 1, 8, 4, "\0\x07\x80"s}, bytes({7, 128}, {1, 1, 2})},
      {"RGB", {1, 2, 8, 2, "\0\x01\x02\x03\0\x04\x05\x06"s}, bytes({1, 2, 3, 4, 5, 6}, {2, 1, 3})},
      {"RGB of 16 bits", {1, 1, 16, 2, "\0\x10\x10\x20\x20\xff\xff"s}, bytes({16, 32, 255}, {1, 1, 3})},
      {"RGBA", {1, 1, 8, 6, "\0\x01\x02\x03\x04"s}, bytes({1, 2, 3, 4}, {1, 1, 4})},
      {"palette",
       {3, 1, 8, 3, "\0\x02\x00\x01"s, kPalette},
       bytes({1, 2, 3, 255, 0, 0, 0, 255, 0}, {1, 3, 3})},
      {"palette of 2 bits", {2, 1, 2, 3, "\0\x90"s, kPalette}, bytes({1, 2, 3, 0, 255, 0}, {1, 2, 3})},
      {"palette with alpha",
       {2, 1, 8, 3, "\0\x00\x01"s, kPalette + png_chunk("tRNS", "\x80")},
       bytes({255, 0, 0, 128, 0, 255, 0, 255}, {1, 2, 4})},
      {"a gray that is clear",
       {2, 1, 8, 0, "\0\x05\x06"s, png_chunk("tRNS", "\0\x05"s)},
       bytes({5, 0, 6, 255}, {1, 2, 2})},
      // Adam7: the first pass has pixel (0, 0), the sixth (0, 1), the seventh row 1.
      {"interlaced", {2, 2, 8, 0, "\0\x01\0\x02\0\x03\x04"s, {}, 1}, bytes({1, 2, 3, 4}, {2, 2})},
      {"gamma is left aside",
       {1, 1, 8, 0, "\0\x40"s, png_chunk("gAMA", test::big_endian(100000))},
       bytes({64}, {1, 1})},
  };
  const TemporaryDirectory directory;
  const std::string path = directory / "x.png";
  for (const Case& c : table) {
    CAPTURE(c.what);
    write_text(path, c.file.text());
    CHECK(identical(nn::read_png(path), c.pixels));
  }
}

TEST_CASE("write_png writes what read_png reads", "[png]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.png";
  struct Case {
    Shape written, read;
  };
  const auto c = GENERATE(values<Case>({{{5, 7}, {5, 7}},
                                        {{5, 7, 1}, {5, 7}},
                                        {{5, 7, 2}, {5, 7, 2}},
                                        {{3, 9, 3}, {3, 9, 3}},
                                        {{1, 1, 4}, {1, 1, 4}}}));
  CAPTURE(c.written);
  Array pixels = Array::empty(c.written, DType::uint8);
  for (std::int64_t i = 0; i < pixels.size(); ++i) {
    pixels.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(37 * i);
  }
  nn::write_png(path, pixels);
  CHECK(identical(nn::read_png(path), pixels.reshape(c.read)));
}

TEST_CASE("a truncated or changed PNG file is an IoError or has its pixels", "[png]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.png";
  const std::string whole = PngText{3, 2, 8, 0, "\0\x01\x02\x03\0\x04\x05\xff"s}.text();
  const Array pixels = bytes({1, 2, 3, 4, 5, 255}, {2, 3});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    write_text(path, whole.substr(0, at));
    REQUIRE_THROWS_AS(nn::read_png(path), IoError);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x24);
    write_text(path, changed);
    Array read = pixels;
    try {
      read = nn::read_png(path);
    } catch (const IoError&) {
    }
    REQUIRE(identical(read, pixels));
  }
}

TEST_CASE("errors of PNG files say what is wrong", "[png]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.png";
  write_text(path, "GIF89a and so on");
  CHECK_THROWS_WITH(nn::read_png(path), Equals(path + ": is no PNG file: it does not start as one\n"
                                                      "  hint: convert other formats to PNG first"));
  const std::string whole = PngText{1, 1, 8, 0, "\0\x01"s}.text();
  write_text(path, whole.substr(0, whole.size() - 20));
  CHECK_THROWS_WITH(nn::read_png(path),
                    Equals(path + ": is a truncated or corrupt PNG file: it ends too early\n"
                                  "  hint: copy or write the file again"));
  // No memory is taken for a size that the file cannot fill.
  write_text(path, PngText{1000000, 1000000, 8, 6, "\0\x01"s}.text());
  CHECK_THROWS_WITH(nn::read_png(path), Contains("it is too short for its size in pixels"));
  write_text(path, PngText{2000000, 1, 8, 0, "\0\x01"s}.text());
  CHECK_THROWS_WITH(nn::read_png(path), Contains("is a truncated or corrupt PNG file: "));
  CHECK_THROWS_WITH(nn::read_png(directory / "missing.png"), Contains("missing.png: cannot be read: "));

  CHECK_THROWS_WITH(nn::write_png(path, Array::zeros({2, 2}, DType::float32)),
                    Contains("write_png: pixels must be uint8 (they are float32)\n"
                             "  pixels: float32 [2, 2]  (h, w) or (h, w, c)\n  hint: "));
  CHECK_THROWS_AS(nn::write_png(path, Array::zeros({2, 2}, DType::float32)), DTypeError);
  for (const Shape& shape : {Shape{4}, Shape{2, 2, 5}, Shape{1, 1, 2, 2}, Shape{0, 2}, Shape{2, 2, 0}}) {
    CAPTURE(shape);
    CHECK_THROWS_AS(nn::write_png(path, Array::zeros(shape, DType::uint8)), ShapeError);
  }
  CHECK_THROWS_AS(nn::write_png(path, Array{}), GraphError);
  CHECK_THROWS_WITH(nn::write_png(directory / "no/x.png", Array::zeros({2, 2}, DType::uint8)),
                    Contains("no/x.png: cannot be written: No such file or directory"));
}

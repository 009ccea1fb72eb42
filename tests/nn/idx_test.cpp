// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/data/idx.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using namespace std::string_literals;

namespace {

/// An IDX file by hand: element type, sizes, elements.
std::string idx_text(char type, const std::vector<int>& sizes, const std::string& elements) {
  std::string text = "\0\0"s + type + static_cast<char>(sizes.size());
  for (const int size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift);
  }
  return text + elements;
}

void write_text(const std::string& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text)));
}

const std::string kImages = idx_text(8, {2, 1, 3}, "\1\2\3\4\5\xff");
const std::string kLabels = idx_text(8, {2}, "\7\0"s);

// The same packed by gzip -9n, and the images in two parts.
const std::string kPackedImages{
    '\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00', '\x02', '\x03', '\x63', '\x60', '\xe0',
    '\x60', '\x66', '\x60', '\x60', '\x60', '\x02', '\x62', '\x46', '\x20', '\x66', '\x66', '\x64', '\x62',
    '\x66', '\x61', '\xfd', '\x0f', '\x00', '\x08', '\x09', '\x11', '\x3a', '\x16', '\x00', '\x00', '\x00'};
const std::string kPackedLabels{'\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00',
                                '\x02', '\x03', '\x63', '\x60', '\xe0', '\x60', '\x64', '\x60',
                                '\x60', '\x60', '\x62', '\x67', '\x00', '\x00', '\xde', '\x3a',
                                '\xdd', '\xda', '\x0a', '\x00', '\x00', '\x00'};
const std::string kPackedStart{'\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00',
                               '\x02', '\x03', '\x63', '\x60', '\xe0', '\x60', '\x66', '\x60',
                               '\x60', '\x60', '\x62', '\x60', '\x00', '\x00', '\x30', '\xbd',
                               '\x03', '\x02', '\x0a', '\x00', '\x00', '\x00'};
const std::string kPackedRest{'\x1f', '\x8b', '\x08', '\x00', '\x00', '\x00', '\x00', '\x00',
                              '\x02', '\x03', '\x63', '\x60', '\x64', '\x60', '\x60', '\x60',
                              '\x66', '\x64', '\x62', '\x66', '\x61', '\xfd', '\x0f', '\x00',
                              '\x0d', '\x9f', '\xe6', '\x7f', '\x0c', '\x00', '\x00', '\x00'};

}  // namespace

TEST_CASE("load_idx reads plain and gzip files whatever their name", "[idx]") {
  const TemporaryDirectory directory;
  const std::string path = directory / GENERATE("x-idx3-ubyte", "x.gz");
  const Array expected = Array::from<std::uint8_t>({1, 2, 3, 4, 5, 255}, {2, 1, 3});
  write_text(path, kImages);
  CHECK(identical(nn::load_idx(path), expected));
  write_text(path, kPackedImages);
  CHECK(identical(nn::load_idx(path), expected));
  write_text(path, kPackedStart + kPackedRest);
  CHECK(identical(nn::load_idx(path), expected));
  write_text(path, idx_text(8, {0, 28, 28}, ""));
  CHECK(nn::load_idx(path).shape() == Shape{0, 28, 28});
}

TEST_CASE("wrong IDX files are errors that say what is wrong", "[idx]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x";
  struct Wrong {
    std::string text, message;
  };
  const std::vector<Wrong> table{
      {"", "is truncated: 0 bytes do not hold a header"},
      {kImages.substr(0, 3), "is truncated: 3 bytes do not hold a header"},
      {kImages.substr(0, 15), "is truncated: 15 bytes do not hold a header of 3 axes"},
      {kImages.substr(0, kImages.size() - 1),
       "is truncated or corrupt: its header says [2, 1, 3], but 5 bytes of elements are there"},
      {kImages + "x", "its header says [2, 1, 3], but 7 bytes of elements are there"},
      {idx_text(8, {0x7fffffff, 0x7fffffff, 0x7fffffff}, "x"), "but 1 bytes of elements are there"},
      {"\x89PNG and so on",
       "is no IDX file: it starts with 89 50 4e 47\n"
       "  hint: images start with 00 00 08 03, labels with 00 00 08 01"},
      {idx_text(7, {1}, "x"), "is no IDX file: it starts with 00 00 07 01"},
      {idx_text(8, {}, "x"), "is no IDX file: it starts with 00 00 08 00"},
  };
  for (const Wrong& wrong : table) {
    write_text(path, wrong.text);
    CHECK_THROWS_AS(nn::load_idx(path), IoError);
    CHECK_THROWS_WITH(nn::load_idx(path),
                      Contains(path + ": ") && Contains(wrong.message) && Contains("\n  hint: "));
  }
  write_text(path, idx_text(0x0d, {1}, "abcd"));
  CHECK_THROWS_AS(nn::load_idx(path), DTypeError);
  CHECK_THROWS_WITH(nn::load_idx(path), Contains(path + ": IDX files of float32 are not supported"));
  CHECK_THROWS_WITH(nn::load_idx(directory / "missing"),
                    Contains("missing: cannot be read: No such file or directory"));
}

TEST_CASE("a truncated or changed gzip file is an IoError", "[idx]") {
  const TemporaryDirectory directory;
  const std::string& whole = kPackedImages;
  const Array expected = Array::from<std::uint8_t>({1, 2, 3, 4, 5, 255}, {2, 1, 3});
  const std::string path = directory / "part.gz";
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    write_text(path, whole.substr(0, at));
    REQUIRE_THROWS_AS(nn::load_idx(path), IoError);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x24);
    write_text(path, changed);
    Array loaded = expected;
    try {
      loaded = nn::load_idx(path);
    } catch (const IoError&) {
    }
    REQUIRE(identical(loaded, expected));
  }
  write_text(path, whole.substr(0, whole.size() - 4));
  CHECK_THROWS_WITH(nn::load_idx(path),
                    Equals(path + ": is truncated gzip data: it ends after 22 unpacked bytes\n"
                                  "  hint: copy or download the file again"));
  std::string changed = whole;
  changed[whole.size() - 6] ^= 1;
  write_text(path, changed);
  CHECK_THROWS_WITH(nn::load_idx(path), Contains("is corrupt gzip data: incorrect data check"));
}

TEST_CASE("images and labels that disagree are IoErrors naming both", "[idx]") {
  const TemporaryDirectory directory;
  const std::string images = directory / "images", labels = directory / "labels";
  write_text(images, kImages);
  write_text(labels, kLabels);
  const nn::ImageSet set = nn::load_idx_pair(images, labels);
  CHECK(set.images.shape() == Shape{2, 1, 3});
  CHECK(identical(set.labels, Array::from<std::int64_t>({7, 0}, {2})));

  CHECK_THROWS_WITH(nn::load_idx_pair(labels, images),
                    Contains("holds no images (n, h, w): its shape is [2]"));
  CHECK_THROWS_WITH(nn::load_idx_pair(images, images),
                    Contains("holds no labels (n): its shape is [2, 1, 3]"));
  CHECK_THROWS_WITH(nn::load_idx_pair(images, labels, 7),
                    Equals(labels + ": is corrupt: label 0 is 7, the classes are 0 to 6\n"
                                    "  hint: copy or download the file again"));
  write_text(labels, idx_text(8, {3}, "\1\2\3"));
  CHECK_THROWS_AS(nn::load_idx_pair(images, labels), IoError);
  CHECK_THROWS_WITH(nn::load_idx_pair(images, labels),
                    Equals(labels + ": has 3 labels for the 2 images in " + images +
                           "\n  hint: take both files from the same data set"));
}

TEST_CASE("load_fashion_mnist finds its four files, plain or packed", "[idx]") {
  const TemporaryDirectory directory;
  const std::string missing = directory / "missing";
  CHECK_THROWS_AS(nn::load_fashion_mnist(missing), IoError);
  CHECK_THROWS_WITH(
      nn::load_fashion_mnist(missing),
      Equals(missing + ": the data directory does not exist\n"
                       "  hint: install the package dataset-fashion-mnist, or name a directory with --data"));
  write_text(directory / "train-images-idx3-ubyte", kImages);
  write_text(directory / "train-labels-idx1-ubyte.gz", kPackedLabels);
  CHECK_THROWS_WITH(
      nn::load_fashion_mnist(directory.path()),
      Contains("t10k-images-idx3-ubyte.gz: is missing, and so is the same without .gz\n  hint: "));
  write_text(directory / "t10k-images-idx3-ubyte.gz", kPackedImages);
  write_text(directory / "t10k-labels-idx1-ubyte", kLabels);
  const nn::FashionMnist data = nn::load_fashion_mnist(directory.path());
  CHECK(data.train.images.shape() == Shape{2, 1, 3});
  CHECK(data.train.labels.dtype() == DType::int64);
  CHECK(identical(data.train.labels, data.test.labels));
}

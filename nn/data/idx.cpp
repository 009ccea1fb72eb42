// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/idx.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>

#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>

namespace fathom::nn {

namespace {

constexpr std::string_view kAgain = "copy or download the file again";

/// NumPy's name for an IDX element type, or nothing for a byte that is none.
std::string_view element_name(std::byte code) {
  switch (std::to_integer<int>(code)) {
    case 0x08:
      return "uint8";
    case 0x09:
      return "int8";
    case 0x0B:
      return "int16";
    case 0x0C:
      return "int32";
    case 0x0D:
      return "float32";
    case 0x0E:
      return "float64";
    default:
      return {};
  }
}

Array decode_idx(std::span<const std::byte> bytes, const std::string& path) {
  constexpr std::size_t kMagicSize = 4, kSizeSize = 4;
  const auto truncated = [&](std::string_view what) {
    detail::fail_file(path, fmt::format("is truncated: {}", what), kAgain);
  };
  if (bytes.size() < kMagicSize) truncated(fmt::format("{} bytes do not hold a header", bytes.size()));
  const std::string_view element = element_name(bytes[2]);
  const auto rank = std::to_integer<std::size_t>(bytes[3]);
  if (bytes[0] != std::byte{0} || bytes[1] != std::byte{0} || element.empty() || rank == 0 ||
      rank > Shape::kMaxRank) {
    detail::fail_file(path,
                      fmt::format("is no IDX file: it starts with {:02x} {:02x} {:02x} {:02x}", bytes[0],
                                  bytes[1], bytes[2], bytes[3]),
                      "images start with 00 00 08 03, labels with 00 00 08 01");
  }
  if (element != "uint8") {
    throw DTypeError(
        fmt::format("{}: IDX files of {} are not supported, those of uint8 are\n"
                    "  hint: convert the data with NumPy and load them with load_npy",
                    path, element));
  }
  const std::size_t start = kMagicSize + kSizeSize * rank;
  if (bytes.size() < start)
    truncated(fmt::format("{} bytes do not hold a header of {} axes", bytes.size(), rank));

  const std::size_t present = bytes.size() - start;
  Shape shape;
  std::size_t count = 1;
  bool fits = true;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < kSizeSize; ++i) {
      size = size << 8 | std::to_integer<std::size_t>(bytes[kMagicSize + kSizeSize * axis + i]);
    }
    shape.push_back(static_cast<std::int64_t>(size));
    fits = fits && (size == 0 || count <= present / size);
    if (fits) count *= size;
  }
  if (!fits || count != present) {
    detail::fail_file(
        path,
        fmt::format("is truncated or corrupt: its header says {}, but {} bytes of elements are there",
                    to_string(shape), present),
        kAgain);
  }
  Array array = Array::empty(shape, DType::uint8);
  if (count != 0) std::memcpy(array.raw_mutable_data(), bytes.data() + start, count);
  return array;
}

/// The plain file where there is one, else the one with ".gz".
std::string find_file(const std::string& directory, std::string_view name) {
  std::string plain = (std::filesystem::path(directory) / name).string();
  std::string packed = plain + ".gz";
  if (std::filesystem::exists(plain)) return plain;
  if (std::filesystem::exists(packed)) return packed;
  detail::fail_file(packed, "is missing, and so is the same without .gz",
                    "the package dataset-fashion-mnist has all four files; name their directory with --data");
}

ImageSet load_part(const std::string& directory, std::string_view part) {
  const std::string images = find_file(directory, fmt::format("{}-images-idx3-ubyte", part));
  const std::string labels = find_file(directory, fmt::format("{}-labels-idx1-ubyte", part));
  return load_idx_pair(images, labels);
}

}  // namespace

Array load_idx(const std::string& path) {
  Bytes bytes = read_file(path);
  const bool packed = bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
  if (packed) bytes = gunzip(bytes, path);
  return decode_idx(bytes, path);
}

ImageSet load_idx_pair(const std::string& images_path, const std::string& labels_path, int classes) {
  ImageSet set{load_idx(images_path), {}};
  const Array labels = load_idx(labels_path);
  if (set.images.rank() != 3) {
    detail::fail_file(
        images_path, fmt::format("holds no images (n, h, w): its shape is {}", to_string(set.images.shape())),
        "give the images first, then the labels");
  }
  if (labels.rank() != 1) {
    detail::fail_file(labels_path,
                      fmt::format("holds no labels (n): its shape is {}", to_string(labels.shape())),
                      "give the images first, then the labels");
  }
  if (labels.size() != set.images.shape(0)) {
    detail::fail_file(
        labels_path,
        fmt::format("has {} labels for the {} images in {}", labels.size(), set.images.shape(0), images_path),
        "take both files from the same data set");
  }
  const auto* label = labels.data<std::uint8_t>();
  const auto* wrong =
      std::find_if(label, label + labels.size(), [&](std::uint8_t value) { return value >= classes; });
  if (wrong != label + labels.size()) {
    detail::fail_file(labels_path,
                      fmt::format("is corrupt: label {} is {}, the classes are 0 to {}", wrong - label,
                                  *wrong, classes - 1),
                      kAgain);
  }
  set.labels = labels.astype(DType::int64);
  return set;
}

FashionMnist load_fashion_mnist(const std::string& directory) {
  if (!std::filesystem::is_directory(directory)) {
    detail::fail_file(directory, "the data directory does not exist",
                      "install the package dataset-fashion-mnist, or name a directory with --data");
  }
  return {load_part(directory, "train"), load_part(directory, "t10k")};
}

}  // namespace fathom::nn

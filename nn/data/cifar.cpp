// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/cifar.hpp>

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>

namespace fathom::nn {

namespace {

constexpr std::int64_t kSide = 32, kPixels = 3 * kSide * kSide;

/// A label byte at the start of each record.
struct LabelByte {
  std::string_view name;
  int classes;
};

struct Records {
  Array images;   // uint8 (n, 3, 32, 32)
  Arrays labels;  // for each label byte, int64 (n)
};

/// One file's records, the first of which is number `first` of all.
void read_records(const InputFile& file, std::span<const LabelByte> label_bytes, std::int64_t first,
                  Records& records) {
  const auto label_count = static_cast<std::int64_t>(label_bytes.size());
  const Bytes bytes = file.read(0, file.size());
  const std::int64_t size = label_count + kPixels;
  const std::int64_t count = static_cast<std::int64_t>(bytes.size()) / size;
  auto* pixels = records.images.mutable_data<std::uint8_t>() + first * kPixels;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::byte* record = bytes.data() + i * size;
    for (std::size_t k = 0; k < label_bytes.size(); ++k) {
      const int label = std::to_integer<int>(record[k]);
      if (label >= label_bytes[k].classes) {
        fathom::detail::fail_file(file.path(),
                                  fmt::format("is corrupt: {} {} is {}, the classes are 0 to {}",
                                              label_bytes[k].name, i, label, label_bytes[k].classes - 1),
                                  "CIFAR-10 has one label byte in a record, CIFAR-100 has two; if it is the "
                                  "right one of these, unpack or download the archive again");
      }
      records.labels[k].mutable_data<std::int64_t>()[first + i] = label;
    }
    std::memcpy(pixels + i * kPixels, record + label_count, kPixels);
  }
}

Records read_files(std::string_view op, const std::vector<std::string>& paths,
                   std::span<const LabelByte> label_bytes) {
  FATHOM_CHECK(ArgumentCheck(op).hint("name the files that make up one set"), !paths.empty(), ValueError,
               "there must be a file ({} paths)", paths.size());
  const std::uint64_t size = label_bytes.size() + kPixels;
  std::vector<std::int64_t> firsts;
  std::int64_t count = 0;
  for (const std::string& path : paths) {
    const InputFile file(path);
    if (file.size() % size != 0) {
      fathom::detail::fail_file(
          path,
          fmt::format("is truncated or too long: {} bytes are no whole number of records of {} bytes",
                      file.size(), size),
          "records of 3073 bytes are CIFAR-10's, of 3074 CIFAR-100's; unpack or download the archive again");
    }
    firsts.push_back(count);
    count += static_cast<std::int64_t>(file.size() / size);
  }
  Records records{.images = Array::empty({count, 3, kSide, kSide}, DType::uint8), .labels = {}};
  for (std::size_t k = 0; k < label_bytes.size(); ++k) {
    records.labels.push_back(Array::empty({count}, DType::int64));
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    read_records(InputFile(paths[i]), label_bytes, firsts[i], records);
  }
  return records;
}

/// Paths of the files in the directory, all of which exist.
std::vector<std::string> find_files(const std::string& directory, const std::vector<std::string>& names,
                                    std::string_view archive) {
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    paths.push_back((std::filesystem::path(directory) / name).string());
    if (std::filesystem::exists(paths.back())) continue;
    fathom::detail::fail_file(
        paths.back(), "is missing",
        fmt::format("download {} from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and name the "
                    "directory with the .bin files",
                    archive));
  }
  return paths;
}

}  // namespace

ImageSet load_cifar10_files(const std::vector<std::string>& paths) {
  constexpr LabelByte kLabels[] = {{"label", 10}};
  Records records = read_files("load_cifar10_files", paths, kLabels);
  return {.images = records.images, .labels = records.labels[0]};
}

Cifar100Set load_cifar100_files(const std::vector<std::string>& paths) {
  constexpr LabelByte kLabels[] = {{"coarse label", 20}, {"fine label", 100}};
  Records records = read_files("load_cifar100_files", paths, kLabels);
  return {.images = records.images, .labels = records.labels[1], .coarse = records.labels[0]};
}

Cifar10 load_cifar10(const std::string& directory) {
  std::vector<std::string> names;
  for (int i = 1; i <= 5; ++i) names.push_back(fmt::format("data_batch_{}.bin", i));
  names.emplace_back("test_batch.bin");
  std::vector<std::string> paths = find_files(directory, names, "cifar-10-binary.tar.gz");
  const std::string test = paths.back();
  paths.pop_back();
  return {.train = load_cifar10_files(paths), .test = load_cifar10_files({test})};
}

Cifar100 load_cifar100(const std::string& directory) {
  const std::vector<std::string> paths =
      find_files(directory, {"train.bin", "test.bin"}, "cifar-100-binary.tar.gz");
  return {.train = load_cifar100_files({paths[0]}), .test = load_cifar100_files({paths[1]})};
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/cifar.hpp>

#include <catch2/catch.hpp>
#include <string>

#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/data/data_loader.hpp>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

void write_text(const std::string& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text)));
}

/// A record whose planes are filled with three colours.
std::string record(const std::string& labels, char red, char green, char blue) {
  return labels + std::string(1024, red) + std::string(1024, green) + std::string(1024, blue);
}

const std::string kZero(1, '\0');

}  // namespace

TEST_CASE("CIFAR-10 files are joined in their order", "[cifar]") {
  const TemporaryDirectory directory;
  write_text(directory / "a.bin", record("\7", 1, 2, 3) + record(kZero, 4, 5, '\xff'));
  write_text(directory / "b.bin", record("\11", 7, 8, 9));
  write_text(directory / "empty.bin", "");
  const nn::ImageSet set =
      nn::load_cifar10_files({directory / "a.bin", directory / "empty.bin", directory / "b.bin"});
  CHECK(set.images.shape() == Shape{3, 3, 32, 32});
  CHECK(set.images.dtype() == DType::uint8);
  CHECK(identical(set.labels, Array::from<std::int64_t>({7, 0, 9}, {3})));
  const int colours[] = {1, 2, 3, 4, 5, 255, 7, 8, 9};
  const auto* pixels = set.images.data<std::uint8_t>();
  for (int plane = 0; plane < 9; ++plane) {
    CHECK(pixels[plane * 1024] == colours[plane]);
    CHECK(pixels[plane * 1024 + 1023] == colours[plane]);
  }
  nn::DataLoader loader(set.images, set.labels, {.batch = 3, .shuffle = false});
  CHECK((*loader.begin()).images.data<float>()[5 * 1024] == 1);
}

TEST_CASE("CIFAR-100 records have a coarse and a fine label", "[cifar]") {
  const TemporaryDirectory directory;
  const std::string train = record("\23\143", 1, 2, 3) + record("\1\2", 4, 5, 6);  // 19, 99
  write_text(directory / "train.bin", train);
  write_text(directory / "test.bin", record(kZero + kZero, 7, 8, 9));
  const nn::Cifar100 data = nn::load_cifar100(directory.path());
  CHECK(data.train.images.shape() == Shape{2, 3, 32, 32});
  CHECK(identical(data.train.labels, Array::from<std::int64_t>({99, 2}, {2})));
  CHECK(identical(data.train.coarse, Array::from<std::int64_t>({19, 1}, {2})));
  CHECK(data.train.images.data<std::uint8_t>()[3 * 1024] == 4);
  CHECK(data.test.images.data<std::uint8_t>()[2 * 1024] == 9);
}

TEST_CASE("load_cifar10 finds its six files", "[cifar]") {
  const TemporaryDirectory directory;
  for (int i = 1; i <= 5; ++i) {
    write_text(directory / ("data_batch_" + std::to_string(i) + ".bin"),
               record(std::string(1, static_cast<char>(i)), 1, 2, 3));
  }
  CHECK_THROWS_AS(nn::load_cifar10(directory.path()), IoError);
  CHECK_THROWS_WITH(nn::load_cifar10(directory.path()),
                    Equals(directory / "test_batch.bin" +
                           ": is missing\n"
                           "  hint: download cifar-10-binary.tar.gz from "
                           "https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and name the directory "
                           "with the .bin files"));
  write_text(directory / "test_batch.bin", record(kZero, 1, 2, 3));
  const nn::Cifar10 data = nn::load_cifar10(directory.path());
  CHECK(identical(data.train.labels, Array::from<std::int64_t>({1, 2, 3, 4, 5}, {5})));
  CHECK(identical(data.test.labels, Array::from<std::int64_t>({0}, {1})));
  CHECK_THROWS_WITH(nn::load_cifar100(directory / "nowhere"),
                    Contains("nowhere/train.bin: is missing") && Contains("cifar-100-binary.tar.gz"));
}

TEST_CASE("wrong CIFAR files are errors that say what is wrong", "[cifar][error]") {
  const TemporaryDirectory directory;
  const std::string good = directory / "good.bin", path = directory / "x.bin";
  write_text(good, record("\1", 1, 2, 3));
  const std::string whole = record("\1", 1, 2, 3) + record("\2", 1, 2, 3);
  for (const std::size_t size : {whole.size() - 1, std::size_t{3074}, std::size_t{1}}) {
    write_text(path, whole.substr(0, size));
    CHECK_THROWS_AS(nn::load_cifar10_files({good, path}), IoError);
    CHECK_THROWS_WITH(nn::load_cifar10_files({good, path}),
                      Equals(path + ": is truncated or too long: " + std::to_string(size) +
                             " bytes are no whole number of records of 3073 bytes\n"
                             "  hint: records of 3073 bytes are CIFAR-10's, of 3074 CIFAR-100's; unpack or "
                             "download the archive again"));
  }
  write_text(path, whole + "x");
  CHECK_THROWS_WITH(nn::load_cifar10_files({path}), Contains("6147 bytes are no whole number of records"));
  CHECK_THROWS_WITH(nn::load_cifar100_files({good}), Contains("3073 bytes are no whole number of records"));
  write_text(path, record("\1", 1, 2, 3) + record("\12", 1, 2, 3));
  CHECK_THROWS_WITH(nn::load_cifar10_files({good, path}),
                    Contains(path + ": is corrupt: label 1 is 10, the classes are 0 to 9\n  hint: "));
  write_text(path, record("\24\1", 1, 2, 3));
  CHECK_THROWS_WITH(nn::load_cifar100_files({path}),
                    Contains("is corrupt: coarse label 0 is 20, the classes are 0 to 19"));
  write_text(path, record("\1\144", 1, 2, 3));
  CHECK_THROWS_WITH(nn::load_cifar100_files({path}),
                    Contains("is corrupt: fine label 0 is 100, the classes are 0 to 99"));
  CHECK_THROWS_WITH(nn::load_cifar10_files({good, directory / "missing"}),
                    Contains("missing: cannot be read: No such file or directory"));
  CHECK_THROWS_WITH(nn::load_cifar10_files({}),
                    "load_cifar10_files: there must be a file (0 paths)\n"
                    "  hint: name the files that make up one set");
}

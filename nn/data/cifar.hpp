// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/export.hpp>
#include <fathom/nn/data/image_set.hpp>

namespace fathom::nn {

/// CIFAR-100's images with both labels of each.
struct Cifar100Set {
  Array images;  ///< uint8 (n, 3, 32, 32)
  Array labels;  ///< int64 (n), the fine ones: 0 ... 99
  Array coarse;  ///< int64 (n): 0 ... 19
};

/// Files in CIFAR-10's binary format, joined in the order given: images uint8 (n, 3, 32, 32), labels 0 ... 9.
/// One record is a label of one byte and 3072 bytes of pixels, the planes red, green, blue one after another.
/// Throws IoError naming the file: missing, truncated or oversized (its size is no whole number of records),
/// or with a label out of range; ValueError for no file at all.
/// Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
[[nodiscard]] FATHOM_EXPORT ImageSet load_cifar10_files(const std::vector<std::string>& paths);

/// The same for CIFAR-100, whose records begin with two bytes: the coarse label, then the fine one.
[[nodiscard]] FATHOM_EXPORT Cifar100Set load_cifar100_files(const std::vector<std::string>& paths);

struct Cifar10 {
  ImageSet train;  ///< 50000 images, data_batch_1.bin ... data_batch_5.bin
  ImageSet test;   ///< 10000, test_batch.bin
};
struct Cifar100 {
  Cifar100Set train;  ///< 50000 images, train.bin
  Cifar100Set test;   ///< 10000, test.bin
};

/// The unpacked archive cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html: the directory
/// cifar-10-batches-bin. Throws IoError as load_cifar10_files, with where to get the data when it is missing.
[[nodiscard]] FATHOM_EXPORT Cifar10 load_cifar10(const std::string& directory);
/// cifar-100-binary.tar.gz from the same page: the directory cifar-100-binary.
[[nodiscard]] FATHOM_EXPORT Cifar100 load_cifar100(const std::string& directory);

}  // namespace fathom::nn

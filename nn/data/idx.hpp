// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <fathom/core/array.hpp>
#include <fathom/core/export.hpp>
#include <fathom/nn/data/image_set.hpp>

namespace fathom::nn {

/// An IDX file of unsigned bytes, plain or gzip whatever its name: MNIST's images (n, h, w) and labels (n),
/// as uint8. Throws IoError when it is missing, truncated or corrupt, DTypeError for another element type.
/// Format: Y. LeCun, the MNIST database.
[[nodiscard]] FATHOM_EXPORT Array load_idx(const std::string& path);

/// Reads a pair of IDX files: images (n, h, w). Throws as load_idx, and IoError when the two disagree or a
/// label is not below `classes`.
[[nodiscard]] FATHOM_EXPORT ImageSet load_idx_pair(const std::string& images_path,
                                                   const std::string& labels_path, int classes = 10);

struct FashionMnist {
  ImageSet train;  ///< 60000 images of 28 x 28
  ImageSet test;   ///< 10000
};

/// Where Debian's package dataset-fashion-mnist puts its files.
inline constexpr const char* kFashionMnistDirectory = "/usr/share/datasets/fashion-mnist";

/// Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, 2017), or any data in MNIST's four files:
/// {train,t10k}-images-idx3-ubyte and -labels-idx1-ubyte, each plain or with ".gz". Throws IoError: missing
/// directory or file (with what to install), and as load_idx_pair.
[[nodiscard]] FATHOM_EXPORT FashionMnist
load_fashion_mnist(const std::string& directory = kFashionMnistDirectory);

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fathom/core/export.hpp>
#include <fathom/core/shape.hpp>
#include <fathom/nn/data/image_set.hpp>

namespace fathom::nn {

struct ImageFolderOptions {
  std::int64_t channels = 3;  ///< 3: RGB; 1: gray, 0.299 R + 0.587 G + 0.114 B of colours. Alpha is left out
  std::optional<Pair2> size = {};         ///< height and width that all images are resized to (resize.hpp)
  std::vector<std::string> classes = {};  ///< names of the folders to read, in this order; empty: all, sorted
};

struct ImageFolder {
  ImageSet set;                      ///< images uint8 (n, channels, h, w); a label is the number of its class
  std::vector<std::string> classes;  ///< the folders' names
  std::vector<std::string> paths;    ///< the file of each image
};

/// Reads directory/<class>/*.png: one folder for each class, images in the order of classes and then of file
/// names. Names compare byte by byte; those that begin with a dot, files beside the folders and other files
/// in them are passed over. For validation and test sets hand over the training set's `classes`. Throws
/// IoError naming the file: missing, corrupt, of another size than the first without `size`; for a folder
/// without PNG files; ValueError for options.
[[nodiscard]] FATHOM_EXPORT ImageFolder load_image_folder(const std::string& directory,
                                                          const ImageFolderOptions& options = {});

}  // namespace fathom::nn

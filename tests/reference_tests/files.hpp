// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>

#include <fathom/core/npy.hpp>

namespace fathom::reference {

/// The recorded arrays: "relu/c000.x.npy" is the member "c000.x" of relu.npz. Archives are opened once.
class Files {
 public:
  explicit Files(std::string directory) : directory_(std::move(directory)) {}

  /// Throws IoError; DTypeError for float16.
  [[nodiscard]] Array load(const std::string& file);
  /// A path inside the directory.
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

 private:
  std::string directory_;
  std::map<std::string, NpzReader> archives_;
};

}  // namespace fathom::reference

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/export.hpp>

namespace fathom {

/// Reads one array from NumPy's .npy format, versions 1 to 3, either byte order, C or Fortran order (turned
/// into C). Throws IoError when the file is missing, truncated or corrupt; DTypeError when the element type
/// is none of DType's.
[[nodiscard]] FATHOM_EXPORT Array load_npy(const std::string& path);
/// Writes .npy version 1. The file appears whole or not at all; IoError when it cannot be written.
FATHOM_EXPORT void save_npy(const std::string& path, const Array& array);

/// An archive of arrays (.npz) whose members are read one at a time. Names are without ".npy"; members that
/// are no .npy files are left out. It keeps the file open; copies share it, and several threads may read at
/// once.
class FATHOM_EXPORT NpzReader {
 public:
  /// Reads the directory alone. Throws IoError for what is no sound zip archive.
  explicit NpzReader(const std::string& path);

  /// Names in the order of the archive.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] bool contains(const std::string& name) const;
  /// Throws IoError naming file and member (missing, truncated, corrupt), DTypeError as load_npy.
  [[nodiscard]] Array load(const std::string& name) const;

 private:
  struct Archive;
  std::shared_ptr<const Archive> archive_;
  std::vector<std::string> names_;
};

/// Arrays with their names, in the order in which they are written.
using NamedArrays = std::vector<std::pair<std::string, Array>>;

struct NpzOptions {
  bool compress = true;  ///< deflate the members, as numpy.savez_compressed
  bool seal = false;     ///< add a checksum of the whole file, as the archive's comment: see require_seal
};

/// All arrays of an archive. Throws as NpzReader.
[[nodiscard]] FATHOM_EXPORT std::map<std::string, Array> load_npz(const std::string& path);
/// Writes the archive whole or not at all. Nothing of the run's time is stored: equal arrays in equal order
/// give equal files. Throws ValueError for an empty or repeated name, GraphError for an undefined array,
/// IoError when the file cannot be written or would pass zip's limit of 4 GiB.
FATHOM_EXPORT void save_npz(const std::string& path, const NamedArrays& entries,
                            const NpzOptions& options = {});
/// Throws IoError unless the file is what save_npz wrote with `seal`, to the last byte.
FATHOM_EXPORT void require_seal(const std::string& path);

}  // namespace fathom

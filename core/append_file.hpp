// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fathom/core/export.hpp>

namespace fathom {

/// A file that grows at its end, as logs do; not copyable. What `append` has written is there when the
/// program is killed, for nothing waits in the program.
class FATHOM_EXPORT AppendFile {
 public:
  /// Opens the file, or makes an empty one. Throws IoError naming path and reason.
  explicit AppendFile(std::string path);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Writes all of `text`, or none of it and throws IoError, as on a full disk.
  void append(std::string_view text);
  /// Leaves out everything from byte `size` on, which must not lie beyond the end (ValueError).
  void cut(std::uint64_t size);

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace fathom

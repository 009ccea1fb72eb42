// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/core/export.hpp>

namespace fathom {

using Bytes = std::vector<std::byte>;

/// A file open for reading; not copyable. Reads at a place, so threads may share it.
class FATHOM_EXPORT InputFile {
 public:
  /// Throws IoError naming path and reason; directories count as unreadable.
  explicit InputFile(std::string path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Bytes [offset, offset + count), which must lie inside the file (IoError).
  [[nodiscard]] Bytes read(std::uint64_t offset, std::uint64_t count) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// The whole file. Throws IoError naming path and reason.
[[nodiscard]] FATHOM_EXPORT Bytes read_file(const std::string& path);
/// Unpacks gzip, also of several members; `path` is for messages. Throws IoError when truncated or corrupt.
[[nodiscard]] FATHOM_EXPORT Bytes gunzip(std::span<const std::byte> packed, const std::string& path);

/// Replaces the file's contents, or makes it: written beside it and renamed, so that a failure leaves the old
/// file whole. Throws IoError naming path and reason.
FATHOM_EXPORT void write_file(const std::string& path, std::span<const std::byte> contents);
/// Throws the IoError that write_file would throw now; changes nothing. For programs that write only after
/// long work.
FATHOM_EXPORT void require_writable(const std::string& path);

namespace detail {
/// Throws IoError: "path: rule", and the hint on a line of its own.
[[noreturn]] FATHOM_EXPORT void fail_file(const std::string& path, std::string_view rule,
                                          std::string_view hint);
/// The same for a file that could not be written, errno being `code`.
[[noreturn]] FATHOM_EXPORT void fail_write(const std::string& path, int code);
}  // namespace detail

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fathom/core/file.hpp>

namespace fathom::detail {

/// One file in a zip archive, as the archive's central directory describes it.
struct ZipMember {
  std::string name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  ///< of its local header
};

/// Members of a zip archive, zip64 included. Sizes are believed only as far as the file can hold them.
class ZipReader {
 public:
  /// Throws IoError naming the file and what is wrong.
  explicit ZipReader(const std::string& path);
  [[nodiscard]] const InputFile& file() const { return file_; }
  [[nodiscard]] const std::vector<ZipMember>& members() const { return members_; }
  /// Unpacked and checked by its CRC. Throws IoError naming file and member.
  [[nodiscard]] Bytes read(const ZipMember& member) const;

 private:
  InputFile file_;
  std::vector<ZipMember> members_;
};

/// Builds a zip archive in memory: no dates, no zip64.
class ZipWriter {
 public:
  /// `path` is for messages. Throws IoError when the archive would pass 4 GiB.
  explicit ZipWriter(std::string path) : path_(std::move(path)) {}
  void add(const std::string& name, std::span<const std::byte> contents, bool compress);
  /// The finished archive.
  [[nodiscard]] Bytes finish();

 private:
  std::string path_;
  std::vector<ZipMember> members_;
  Bytes out_;
};

}  // namespace fathom::detail

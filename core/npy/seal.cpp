// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/npy/seal.hpp>

#include <fmt/format.h>
#include <zlib.h>

#include <string>
#include <string_view>

namespace fathom::detail {

namespace {

constexpr std::string_view kPrefix = "sealed by Fathom, CRC-32 ";
constexpr std::size_t kCommentSize = kPrefix.size() + 8;

std::string comment_of(std::span<const std::byte> bytes) {
  const auto crc =
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  return fmt::format("{}{:08x}", kPrefix, crc);
}

}  // namespace

void seal(Bytes& archive) {
  // The last field of the end record is the length of the comment.
  archive[archive.size() - 2] = std::byte{kCommentSize};
  const std::string comment = comment_of(archive);
  const auto* bytes = reinterpret_cast<const std::byte*>(comment.data());
  archive.insert(archive.end(), bytes, bytes + comment.size());
}

bool is_sealed(std::span<const std::byte> archive) {
  if (archive.size() < kCommentSize) return false;
  const std::size_t size = archive.size() - kCommentSize;
  const std::string_view comment(reinterpret_cast<const char*>(archive.data()) + size, kCommentSize);
  return comment == comment_of(archive.first(size));
}

}  // namespace fathom::detail

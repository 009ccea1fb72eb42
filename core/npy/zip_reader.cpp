// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <type_traits>

#include <fathom/core/error.hpp>
#include <fathom/core/npy/zip.hpp>
#include <fathom/core/npy/zip_format.hpp>

namespace fathom::detail {

namespace {

constexpr std::string_view kHint = "copy, download or write the archive again";

/// Reads little-endian numbers one after the other; whoever makes one has checked that the bytes are there.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : left_(bytes) {}
  template <class T>
  T next() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<std::uint64_t>(left_[i]) << (8 * i);
    skip(sizeof(T));
    return static_cast<T>(value);
  }
  void skip(std::size_t count) { left_ = left_.subspan(count); }
  std::span<const std::byte> bytes(std::size_t count) {
    const auto result = left_.first(count);
    skip(count);
    return result;
  }
  [[nodiscard]] std::size_t left() const { return left_.size(); }

 private:
  std::span<const std::byte> left_;
};

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Where the central directory lies.
struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;  ///< first byte after it
};

/// The zip64 end record, which stands before the plain one when a number there does not fit.
Directory find_directory64(const InputFile& file, std::uint64_t end_offset) {
  const auto fail = [&] {
    fail_file(file.path(), "is a corrupt zip archive: its zip64 record is missing", kHint);
  };
  if (end_offset < zip::kLocator64Size + zip::kEnd64Size) fail();
  const Bytes locator = file.read(end_offset - zip::kLocator64Size, zip::kLocator64Size);
  Fields fields(locator);
  if (fields.next<std::uint32_t>() != zip::kLocator64Signature) fail();
  fields.skip(4);
  const auto offset = fields.next<std::uint64_t>();
  if (offset > end_offset - zip::kLocator64Size - zip::kEnd64Size) fail();
  const Bytes record = file.read(offset, zip::kEnd64Size);
  fields = Fields(record);
  if (fields.next<std::uint32_t>() != zip::kEnd64Signature) fail();
  fields.skip(8 + 2 + 2 + 4 + 4 + 8);
  Directory directory;
  directory.entries = fields.next<std::uint64_t>();
  directory.size = fields.next<std::uint64_t>();
  directory.offset = fields.next<std::uint64_t>();
  directory.end = offset;
  return directory;
}

Directory find_directory(const InputFile& file) {
  constexpr std::uint64_t kLongestComment = 0xffff;
  const std::uint64_t tail_size = std::min<std::uint64_t>(file.size(), zip::kEndSize + kLongestComment);
  const Bytes tail = file.read(file.size() - tail_size, tail_size);
  for (std::size_t start = tail.size() + 1 - std::min(tail.size() + 1, zip::kEndSize); start-- > 0;) {
    Fields fields{std::span(tail).subspan(start, zip::kEndSize)};
    if (fields.next<std::uint32_t>() != zip::kEndSignature) continue;
    const auto disk = fields.next<std::uint16_t>();
    fields.skip(2 + 2);
    Directory directory;
    directory.entries = fields.next<std::uint16_t>();
    directory.size = fields.next<std::uint32_t>();
    directory.offset = fields.next<std::uint32_t>();
    directory.end = file.size() - tail_size + start;
    if (fields.next<std::uint16_t>() != tail.size() - start - zip::kEndSize) continue;
    if (disk == zip::kNone16 || directory.entries == zip::kNone16 || directory.size == zip::kNone32 ||
        directory.offset == zip::kNone32) {
      directory = find_directory64(file, directory.end);
    }
    return directory;
  }
  fail_file(file.path(), "is truncated or no zip archive: its end record is missing", kHint);
}

/// Sizes and place that did not fit in 32 bits, from the extra field; false when they are not there.
bool read_extra64(Fields extra, ZipMember& member) {
  while (extra.left() >= 4) {
    const auto id = extra.next<std::uint16_t>();
    const std::size_t size = extra.next<std::uint16_t>();
    if (size > extra.left()) return false;
    Fields field(extra.bytes(size));
    if (id != zip::kExtra64) continue;
    for (std::uint64_t* number : {&member.size, &member.packed_size, &member.offset}) {
      if (*number != zip::kNone32) continue;
      if (field.left() < 8) return false;
      *number = field.next<std::uint64_t>();
    }
    return true;
  }
  return member.size != zip::kNone32 && member.packed_size != zip::kNone32 && member.offset != zip::kNone32;
}

/// One entry of the central directory; false when the bytes are none.
bool read_central(Fields& fields, ZipMember& member) {
  if (fields.left() < zip::kCentralSize || fields.next<std::uint32_t>() != zip::kCentralSignature)
    return false;
  fields.skip(2 + 2);
  member.flags = fields.next<std::uint16_t>();
  member.method = fields.next<std::uint16_t>();
  fields.skip(2 + 2);
  member.crc = fields.next<std::uint32_t>();
  member.packed_size = fields.next<std::uint32_t>();
  member.size = fields.next<std::uint32_t>();
  const std::size_t name_size = fields.next<std::uint16_t>();
  const std::size_t extra_size = fields.next<std::uint16_t>();
  const std::size_t comment_size = fields.next<std::uint16_t>();
  fields.skip(2 + 2 + 4);
  member.offset = fields.next<std::uint32_t>();
  if (name_size + extra_size + comment_size > fields.left()) return false;
  member.name = text_of(fields.bytes(name_size));
  const Fields extra(fields.bytes(extra_size));
  fields.skip(comment_size);
  return read_extra64(extra, member);
}

/// Raw deflate data of one member, unpacked into exactly its size.
class RawInflater {
 public:
  RawInflater() {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  RawInflater(const RawInflater&) = delete;
  RawInflater& operator=(const RawInflater&) = delete;
  ~RawInflater() { inflateEnd(&stream_); }

  /// False when the data are corrupt, too short or too long.
  bool run(std::span<const std::byte> packed, std::span<std::byte> out) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    std::byte beyond{};  // zlib wants room even when nothing is to come.
    for (;;) {
      const std::size_t in = std::min(packed.size(), kMost);
      const std::size_t room = out.empty() ? 1 : std::min(out.size(), kMost);
      stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
      stream_.avail_in = static_cast<uInt>(in);
      stream_.next_out = reinterpret_cast<Bytef*>(out.empty() ? &beyond : out.data());
      stream_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_MEM_ERROR) throw std::bad_alloc();
      const std::size_t written = room - stream_.avail_out;
      if (written > out.size()) return false;
      out = out.subspan(written);
      packed = packed.subspan(in - stream_.avail_in);
      if (code == Z_STREAM_END) return out.empty() && packed.empty();
      if (code != Z_OK) return false;
    }
  }

 private:
  z_stream stream_{};
};

}  // namespace

ZipReader::ZipReader(const std::string& path) : file_(path) {
  const Directory directory = find_directory(file_);
  const auto fail = [&](std::string_view what) {
    fail_file(path, fmt::format("is a corrupt zip archive: {}", what), kHint);
  };
  if (directory.offset > directory.end || directory.size != directory.end - directory.offset) {
    fail("its directory is not where its end record says");
  }
  if (directory.entries > directory.size / zip::kCentralSize)
    fail("its directory is too small for its entries");
  const Bytes bytes = file_.read(directory.offset, directory.size);
  Fields fields(bytes);
  members_.resize(directory.entries);
  for (ZipMember& member : members_) {
    if (!read_central(fields, member)) fail("its directory is damaged");
  }
  if (fields.left() != 0) fail("its directory has more entries than its end record says");
}

Bytes ZipReader::read(const ZipMember& member) const {
  const std::string where = file_.path() + ": " + member.name;
  const auto fail = [&](std::string_view what) { fail_file(where, what, kHint); };
  if ((member.flags & zip::kEncryptedFlag) != 0) fail("is encrypted");
  if (member.method != zip::kStored && member.method != zip::kDeflated) {
    fail_file(
        where,
        fmt::format("is packed with zip method {}; 0 (stored) and 8 (deflated) are supported", member.method),
        "write it with numpy.savez or numpy.savez_compressed");
  }
  const auto inside = [&](std::uint64_t offset, std::uint64_t size) {
    return offset <= file_.size() && size <= file_.size() - offset;
  };
  if (!inside(member.offset, zip::kLocalSize))
    fail("is truncated or corrupt: it would start outside the archive");
  const Bytes local = file_.read(member.offset, zip::kLocalSize);
  Fields fields(local);
  const bool is_local = fields.next<std::uint32_t>() == zip::kLocalSignature;
  fields.skip(2 + 2);
  const bool same_method = fields.next<std::uint16_t>() == member.method;
  fields.skip(2 + 2 + 4 + 4 + 4);
  const std::size_t name_size = fields.next<std::uint16_t>();
  const std::size_t extra_size = fields.next<std::uint16_t>();
  const std::uint64_t name_start = member.offset + zip::kLocalSize;
  const std::uint64_t start = name_start + name_size + extra_size;
  if (!is_local || !same_method || !inside(name_start, name_size + extra_size) ||
      text_of(file_.read(name_start, name_size)) != member.name) {
    fail("is corrupt: its local header differs from the directory");
  }
  if (!inside(start, member.packed_size)) fail("is truncated or corrupt: it would end outside the archive");

  // Deflate makes nothing more than about 1032 times smaller: whoever says so is corrupt, and gets no memory.
  constexpr std::uint64_t kBestRatio = 1040;
  const bool plausible = member.method == zip::kStored ? member.size == member.packed_size
                                                       : member.size / kBestRatio <= member.packed_size;
  if (!plausible)
    fail(fmt::format("is corrupt: {} bytes cannot unpack to {}", member.packed_size, member.size));
  Bytes bytes = file_.read(start, member.packed_size);
  if (member.method == zip::kDeflated) {
    Bytes unpacked(member.size);
    if (!RawInflater().run(bytes, unpacked)) fail("is corrupt: its deflated data are damaged");
    bytes = std::move(unpacked);
  }
  const auto crc =
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc != member.crc) fail("is corrupt: its checksum (CRC-32) does not match");
  return bytes;
}

}  // namespace fathom::detail

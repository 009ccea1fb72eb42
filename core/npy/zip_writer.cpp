// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include <fathom/core/error.hpp>
#include <fathom/core/npy/zip.hpp>
#include <fathom/core/npy/zip_format.hpp>

namespace fathom::detail {

namespace {

template <class T>
void put(Bytes& out, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(number) >> (8 * i)));
  }
}

void put(Bytes& out, const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  out.insert(out.end(), bytes, bytes + text.size());
}

/// What the local header and the directory say alike, from the version to the length of the name.
void put_common(Bytes& out, const ZipMember& member) {
  constexpr std::uint16_t kVersion = 20;
  put(out, kVersion);
  put(out, member.flags);
  put(out, member.method);
  put(out, std::uint16_t{0});
  put(out, zip::kFirstDate);
  put(out, member.crc);
  put(out, static_cast<std::uint32_t>(member.packed_size));
  put(out, static_cast<std::uint32_t>(member.size));
  put(out, static_cast<std::uint16_t>(member.name.size()));
}

/// zlib's deflate state, released on every way out.
struct Deflater {
  z_stream stream{};
  Deflater() {
    constexpr int kMemoryLevel = 8;
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream); }
};

Bytes raw_deflate(std::span<const std::byte> contents) {
  Deflater deflater;
  z_stream& stream = deflater.stream;
  Bytes out(deflateBound(&stream, static_cast<uLong>(contents.size())));
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(contents.data()));
  stream.avail_in = static_cast<uInt>(contents.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max()));
  // With deflateBound's room one call ends the stream.
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::bad_alloc();
  out.resize(stream.total_out);
  return out;
}

}  // namespace

void ZipWriter::add(const std::string& name, std::span<const std::byte> contents, bool compress) {
  constexpr std::size_t kMost = zip::kNone32 - 1;
  const auto fail = [&] {
    fail_file(path_, fmt::format("cannot be written: with {} the archive would pass 4 GiB", name),
              "write several archives");
  };
  // Room for deflate's worst case as well.
  if (contents.size() > kMost - (contents.size() >> 10) - (1 << 16)) fail();
  ZipMember member;
  member.name = name;
  const bool ascii =
      std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  member.flags = ascii ? std::uint16_t{0} : zip::kUtf8Flag;
  member.method = compress ? zip::kDeflated : zip::kStored;
  member.crc = static_cast<std::uint32_t>(
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(contents.data()), contents.size()));
  member.size = contents.size();
  Bytes packed;
  if (compress) {
    packed = raw_deflate(contents);
    contents = packed;
  }
  member.packed_size = contents.size();
  member.offset = out_.size();
  if (out_.size() > kMost - contents.size() - zip::kLocalSize - name.size()) fail();
  put(out_, zip::kLocalSignature);
  put_common(out_, member);
  put(out_, std::uint16_t{0});
  put(out_, name);
  out_.insert(out_.end(), contents.begin(), contents.end());
  members_.push_back(std::move(member));
}

Bytes ZipWriter::finish() {
  const std::size_t start = out_.size();
  for (const ZipMember& member : members_) {
    put(out_, zip::kCentralSignature);
    put(out_, std::uint16_t{20});
    put_common(out_, member);
    for (int i = 0; i < 4; ++i) put(out_, std::uint16_t{0});  // extra, comment, disk, internal attributes
    put(out_, std::uint32_t{0});
    put(out_, static_cast<std::uint32_t>(member.offset));
    put(out_, member.name);
  }
  const std::size_t size = out_.size() - start;
  if (out_.size() > zip::kNone32 - 1 || members_.size() > zip::kNone16 - 1U) {
    fail_file(path_,
              fmt::format("cannot be written: {} arrays pass the limits of a zip archive", members_.size()),
              "write several archives");
  }
  put(out_, zip::kEndSignature);
  put(out_, std::uint32_t{0});
  put(out_, static_cast<std::uint16_t>(members_.size()));
  put(out_, static_cast<std::uint16_t>(members_.size()));
  put(out_, static_cast<std::uint32_t>(size));
  put(out_, static_cast<std::uint32_t>(start));
  put(out_, std::uint16_t{0});
  return std::move(out_);
}

}  // namespace fathom::detail

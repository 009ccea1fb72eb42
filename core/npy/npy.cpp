// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/npy.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/core/npy/format.hpp>
#include <fathom/core/npy/seal.hpp>
#include <fathom/core/npy/zip.hpp>

namespace fathom {

namespace {

constexpr std::string_view kSuffix = ".npy";

/// The bytes of a .npy file of this array.
Bytes encode_npy(const Array& array) {
  const std::string header = detail::npy_header(array);
  const auto* text = reinterpret_cast<const std::byte*>(header.data());
  Bytes bytes;
  bytes.reserve(header.size() + array.byte_size());
  bytes.assign(text, text + header.size());
  bytes.insert(bytes.end(), array.raw_data(), array.raw_data() + array.byte_size());
  return bytes;
}

void check_entries(const std::string& path, const NamedArrays& entries) {
  std::set<std::string_view> names;
  for (const auto& [name, array] : entries) {
    constexpr std::size_t kLongest = 0xffff - kSuffix.size();
    if (name.empty() || name.size() > kLongest) {
      throw ValueError(
          fmt::format("save_npz: the name of an array has 1 to {} characters (one has {})\n  file: {}\n"
                      "  hint: name each array after what it is, \"conv1/W\"",
                      kLongest, name.size(), path));
    }
    if (!names.insert(name).second) {
      throw ValueError(
          fmt::format("save_npz: every array needs a name of its own (\"{}\" comes twice)\n  file: {}\n"
                      "  hint: rename one of the two",
                      name, path));
    }
    if (!array.defined()) {
      throw GraphError(fmt::format(
          "save_npz: \"{}\" is undefined\n  file: {}\n  hint: give the Array a value first", name, path));
    }
  }
}

}  // namespace

Array load_npy(const std::string& path) { return detail::decode_npy(read_file(path), path); }

void save_npy(const std::string& path, const Array& array) { write_file(path, encode_npy(array)); }

struct NpzReader::Archive {
  explicit Archive(const std::string& path) : zip(path) {}
  detail::ZipReader zip;
  std::map<std::string, detail::ZipMember> members;
};

NpzReader::NpzReader(const std::string& path) {
  auto archive = std::make_shared<Archive>(path);
  for (const detail::ZipMember& member : archive->zip.members()) {
    if (!member.name.ends_with(kSuffix)) continue;
    std::string name = member.name.substr(0, member.name.size() - kSuffix.size());
    if (!archive->members.emplace(name, member).second) {
      detail::fail_file(path, fmt::format("is a corrupt archive: {} comes twice", member.name),
                        "write it again");
    }
    names_.push_back(std::move(name));
  }
  archive_ = std::move(archive);
}

bool NpzReader::contains(const std::string& name) const { return archive_->members.contains(name); }

Array NpzReader::load(const std::string& name) const {
  const std::string& path = archive_->zip.file().path();
  const auto found = archive_->members.find(name);
  if (found == archive_->members.end()) {
    constexpr std::size_t kShown = 8;
    const std::span<const std::string> shown(names_.data(), std::min(names_.size(), kShown));
    detail::fail_file(path, fmt::format("has no array \"{}\"", name),
                      fmt::format("it has {}: {}{}", names_.size(), fmt::join(shown, ", "),
                                  names_.size() > kShown ? ", ..." : ""));
  }
  const detail::ZipMember& member = found->second;
  return detail::decode_npy(archive_->zip.read(member), path + ": " + member.name);
}

std::map<std::string, Array> load_npz(const std::string& path) {
  const NpzReader reader(path);
  std::map<std::string, Array> arrays;
  for (const std::string& name : reader.names()) arrays.emplace(name, reader.load(name));
  return arrays;
}

void save_npz(const std::string& path, const NamedArrays& entries, const NpzOptions& options) {
  check_entries(path, entries);
  detail::ZipWriter zip(path);
  for (const auto& [name, array] : entries)
    zip.add(name + std::string(kSuffix), encode_npy(array), options.compress);
  Bytes archive = zip.finish();
  if (options.seal) detail::seal(archive);
  write_file(path, archive);
}

void require_seal(const std::string& path) {
  if (detail::is_sealed(read_file(path))) return;
  detail::fail_file(path, "is truncated or corrupt: the checksum of the whole file does not match",
                    "use another copy, or an older file");
}

}  // namespace fathom

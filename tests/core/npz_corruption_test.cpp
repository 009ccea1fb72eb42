// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using namespace std::string_literals;

namespace {

using Loaded = std::map<std::string, Array>;

/// A new file, thousands of times: write_file would wait for the disk.
void write_text(const std::string& path, const std::string& text) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_text(const std::string& path) {
  const Bytes bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

NamedArrays entries() {
  return {{"W", normal({1, 2}, {3, 5}, 0, 1, DType::float32)}, {"b", Array::arange(6, DType::int64)}};
}

/// The archive, or nothing when it was refused by an IoError or DTypeError; anything else escapes.
std::optional<Loaded> load_or_refuse(const std::string& path) {
  try {
    return load_npz(path);
  } catch (const IoError&) {
    return std::nullopt;
  } catch (const DTypeError&) {
    return std::nullopt;
  }
}

/// Little-endian number of so many bytes.
std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// A stored archive of one member "x.npy" in which every size and place is in zip64 records, as very large
/// ones are.
std::string zip64_archive(const std::string& contents, std::uint32_t crc) {
  const std::string none32(4, '\xff');
  const std::string version_to_crc =
      number(45, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(crc, 4);
  const std::string sizes = number(contents.size(), 8) + number(contents.size(), 8);
  const std::string local = "PK\3\4" + version_to_crc + none32 + none32 + number(5, 2) + number(20, 2) +
                            "x.npy" + number(1, 2) + number(16, 2) + sizes + contents;
  // Another extra field stands before the one that counts.
  const std::string extra =
      number(0x5455, 2) + number(1, 2) + "t" + number(1, 2) + number(24, 2) + sizes + number(0, 8);
  const std::string central = "PK\1\2" + number(45, 2) + version_to_crc + none32 + none32 + number(5, 2) +
                              number(extra.size(), 2) + std::string(10, '\0') + none32 + "x.npy" + extra;
  const std::string end64 = "PK\6\6" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
                            number(1, 8) + number(1, 8) + number(central.size(), 8) + number(local.size(), 8);
  const std::string locator =
      "PK\6\7" + number(0, 4) + number(local.size() + central.size(), 8) + number(1, 4);
  const std::string end = "PK\5\6" + number(0, 4) + std::string(4, '\xff') + none32 + none32 + number(0, 2);
  return local + central + end64 + locator + end;
}

}  // namespace

TEST_CASE("a truncated archive is an IoError at every length", "[npz][corrupt]") {
  const TemporaryDirectory directory;
  const bool compress = GENERATE(true, false);
  save_npz(directory / "whole.npz", entries(), {.compress = compress});
  const std::string whole = read_text(directory / "whole.npz");
  const std::string path = directory / "part.npz";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    write_text(path, whole.substr(0, length));
    REQUIRE_THROWS_AS(load_npz(path), IoError);
  }
  CHECK_THROWS_WITH(load_npz(path),
                    Equals(path + ": is truncated or no zip archive: its end record is missing\n"
                                  "  hint: copy, download or write the archive again"));
}

TEST_CASE("a changed byte is refused, or changes nothing that is read", "[npz][corrupt]") {
  const TemporaryDirectory directory;
  const bool compress = GENERATE(true, false);
  const auto pattern = GENERATE(0x01, 0x80, 0xff);
  CAPTURE(compress, pattern);
  save_npz(directory / "whole.npz", entries(), {.compress = compress});
  const std::string whole = read_text(directory / "whole.npz");
  const std::string path = directory / "changed.npz";
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ pattern);
    write_text(path, changed);
    const std::optional<Loaded> loaded = load_or_refuse(path);
    refused += loaded ? 0 : 1;
    if (!loaded) continue;
    for (const auto& [name, array] : *loaded) {
      const auto all = entries();
      const auto same = std::find_if(all.begin(), all.end(),
                                     [&wanted = name](const auto& entry) { return entry.first == wanted; });
      REQUIRE(same != all.end());
      REQUIRE(identical(array, same->second));
    }
  }
  // Only versions, dates, sizes said twice and attributes may change unnoticed.
  CHECK(refused > whole.size() / 2);
}

TEST_CASE("a sealed archive is refused for any change", "[npz][corrupt]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "sealed.npz";
  const auto pattern = GENERATE(0x01, 0x20, 0x80, 0xff);
  save_npz(path, entries(), {.compress = false, .seal = true});
  require_seal(path);
  CHECK(load_npz(path).size() == entries().size());
  const std::string whole = read_text(path);
  const std::string other = directory / "changed.npz";
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ pattern);
    write_text(other, changed);
    REQUIRE_THROWS_AS(require_seal(other), IoError);
  }
  write_text(other, whole + whole);
  CHECK_THROWS_AS(require_seal(other), IoError);
  save_npz(other, entries());
  CHECK_THROWS_WITH(
      require_seal(other),
      Equals(other + ": is truncated or corrupt: the checksum of the whole file does not match\n"
                     "  hint: use another copy, or an older file"));
}

TEST_CASE("a changed or truncated npy file never crashes", "[npy][corrupt]") {
  const TemporaryDirectory directory;
  save_npy(directory / "whole.npy", entries()[0].second);
  const std::string whole = read_text(directory / "whole.npy");
  const std::string path = directory / "changed.npy";
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    write_text(path, whole.substr(0, at));
    REQUIRE_THROWS_AS(load_npy(path), IoError);
    if (at >= 128) continue;  // the elements have no checksum
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x11);
    write_text(path, changed);
    std::size_t bytes = 60;
    try {
      bytes = load_npy(path).byte_size();
    } catch (const IoError&) {
    } catch (const DTypeError&) {
    }
    REQUIRE(bytes == 60);
  }
}

TEST_CASE("what is wrong with an archive is named with its member", "[npz][corrupt]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.npz";
  save_npz(path, entries());
  const std::string whole = read_text(path);
  const std::size_t central = whole.find("PK\1\2");
  const auto with = [&](std::size_t at, const std::string& bytes) {
    std::string changed = whole;
    return changed.replace(at, bytes.size(), bytes);
  };
  struct Wrong {
    std::string text, message;
  };
  const std::vector<Wrong> table{
      {with(40, "\xff\xff"), path + ": W.npy: is corrupt: its deflated data are damaged"},
      {with(central + 16, "crc!"), path + ": W.npy: is corrupt: its checksum (CRC-32) does not match"},
      {with(central + 8, "\1"), path + ": W.npy: is encrypted"},
      {with(central + 10, "\x0c"),
       path + ": W.npy: is packed with zip method 12; 0 (stored) and 8 (deflated)"},
      {with(central + 24, "\xf0\xff\xff\xf0"), path + ": W.npy: is corrupt: "},
      {with(central + 20, "\xf0\xff\xff\xf0"),
       path + ": W.npy: is truncated or corrupt: it would end outside"},
      {with(central + 42, "\xf0\xff\xff\xf0"),
       path + ": W.npy: is truncated or corrupt: it would start outside"},
      {with(central + 42, "\1"), path + ": W.npy: is corrupt: its local header differs from the directory"},
      {with(central + 46, "V"), path + ": V.npy: is corrupt: its local header differs from the directory"},
      {with(whole.find("PK\1\2", central + 4) + 46, "W"), path + ": is a corrupt archive: W.npy comes twice"},
      {with(whole.size() - 12, "\1"), path + ": is a corrupt zip archive: its directory has more entries"},
      {with(whole.size() - 6, "\1"), path + ": is a corrupt zip archive: its directory is not where"},
      {with(whole.size() - 12, "\xff\xff"), path + ": is a corrupt zip archive: its zip64 record is missing"},
      {"PK\5\6" + std::string(17, '\0'), path + ": is truncated or no zip archive"},
  };
  for (const Wrong& wrong : table) {
    write_text(path, wrong.text);
    CHECK_THROWS_AS(load_npz(path), IoError);
    CHECK_THROWS_WITH(load_npz(path), Contains(wrong.message) && Contains("\n  hint: "));
  }
}

TEST_CASE("a member that holds no npy file is named", "[npz][corrupt]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.npz";
  write_text(path, zip64_archive("no array", 0x3d2fcf4f));
  CHECK_THROWS_AS(load_npz(path), IoError);
  CHECK_THROWS_WITH(load_npz(path), Contains(path + ": x.npy: "));
}

TEST_CASE("zip64 records are read", "[npz]") {
  const TemporaryDirectory directory;
  save_npy(directory / "x.npy", Array::arange(4, DType::uint8));
  const std::string contents = read_text(directory / "x.npy");
  const std::string path = directory / "x.npz";
  // The checksum is found by asking for it: a plain archive of the same array holds it.
  save_npz(directory / "plain.npz", {{"x", Array::arange(4, DType::uint8)}}, {.compress = false});
  const std::string crc = read_text(directory / "plain.npz").substr(14, 4);
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(crc[i])} << (8 * i);
  const std::string whole = zip64_archive(contents, value);
  write_text(path, whole);
  CHECK(identical(load_npz(path).at("x"), Array::arange(4, DType::uint8)));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    write_text(path, whole.substr(0, at));
    REQUIRE_THROWS_AS(load_npz(path), IoError);
    std::string changed = whole;
    changed[at] = static_cast<char>(~changed[at]);
    write_text(path, changed);
    const std::optional<Loaded> loaded = load_or_refuse(path);
    if (loaded && loaded->contains("x")) REQUIRE(identical(loaded->at("x"), Array::arange(4, DType::uint8)));
  }
}

TEST_CASE("archives written by NumPy and Chainer are read", "[npz]") {
  const std::string path = FATHOM_SOURCE_DIR "/tests/reference/depthwise_convolution_2d.npz";
  const NpzReader reader(path);
  CHECK(reader.names().size() > 100);
  const Array x = reader.load("c000.x");
  CHECK(x.dtype() == DType::float64);
  CHECK(x.rank() == 4);
  std::size_t loaded = 0;
  for (const std::string& name : reader.names()) {
    CAPTURE(name);
    try {
      loaded += reader.load(name).defined() ? 1 : 0;
    } catch (const DTypeError& error) {
      REQUIRE_THAT(error.what(), Contains(name + ".npy: element type float16 ('<f2') is not supported"));
    }
  }
  CHECK(loaded > 100);
}

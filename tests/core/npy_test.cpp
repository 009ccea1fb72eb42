// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using namespace std::string_literals;

namespace {

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_text(const std::string& path) {
  const Bytes bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A .npy file by hand: version, header text, elements.
std::string npy_text(const std::string& dict, const std::string& elements, char version = 1) {
  std::string text = "\x93NUMPY"s + version + '\0';
  const std::size_t length = dict.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) text += static_cast<char>(length >> (8 * i));
  return text + dict + elements;
}

Array every_value(DType dtype, const Shape& shape) {
  return normal({1, 2}, shape, 0, 50, DType::float64).astype(dtype);
}

NamedArrays some_entries() {
  return {{"conv1/W", every_value(DType::float32, {2, 3, 3})},
          {"steps", Array::scalar(7, DType::int64)},
          {"none", Array::zeros({0, 4}, DType::float64)},
          {"gr\xc3\xb6\xc3\x9f"s + "e", Array::from({true, false, true}, {3})}};
}

}  // namespace

TEST_CASE("save_npy and load_npy give the array back", "[npy]") {
  const TemporaryDirectory directory;
  const DType dtype =
      GENERATE(DType::float32, DType::float64, DType::int64, DType::int32, DType::uint8, DType::boolean);
  const Shape shape = GENERATE(Shape{}, Shape{0}, Shape{1}, Shape{5}, Shape{3, 0, 2}, Shape{2, 3, 4, 5});
  CAPTURE(dtype, shape);
  const Array x = every_value(dtype, shape);
  save_npy(directory / "x.npy", x);
  CHECK(identical(load_npy(directory / "x.npy"), x));
  CHECK(directory.count() == 1);
}

TEST_CASE("save_npy writes the format that NumPy documents", "[npy]") {
  const TemporaryDirectory directory;
  save_npy(directory / "x.npy", Array::from<std::uint8_t>({1, 2}, {2}));
  const std::string text = read_text(directory / "x.npy");
  REQUIRE(text.size() == 128 + 2);
  CHECK(text.substr(0, 10) == "\x93NUMPY\x01\0\x76\0"s);
  CHECK(text.substr(10, 61) == "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }    ");
  CHECK(text.substr(127) == "\n\x01\x02");
}

TEST_CASE("load_npy reads every version, byte order and axis order", "[npy]") {
  const TemporaryDirectory directory;
  struct Known {
    std::string dict, elements;
    char version;
    Array expected;
  };
  const Array matrix = Array::from<std::int32_t>({1, 2, 3, 4, 5, 6}, {2, 3});
  const std::string little = "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0"s;
  const std::string big = "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6"s;
  const std::string columns = "\1\0\0\0\4\0\0\0\2\0\0\0\5\0\0\0\3\0\0\0\6\0\0\0"s;
  const std::string big_columns = "\0\0\0\1\0\0\0\4\0\0\0\2\0\0\0\5\0\0\0\3\0\0\0\6"s;
  const std::vector<Known> table{
      {"{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }\n", little, 1, matrix},
      {"{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3)}", little, 2, matrix},
      {"{\"shape\": (2L, 3L,), \"descr\": \"<i4\", \"fortran_order\": False}   \n", little, 3, matrix},
      {"{'descr': '>i4', 'fortran_order': False, 'shape': (2, 3), }\n", big, 1, matrix},
      {"{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }\n", columns, 1, matrix},
      {"{'descr': '>i4', 'fortran_order': True, 'shape': (2, 3), }\n", big_columns, 3, matrix},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (), }\n", "\0\0\x80\x3f"s, 1,
       Array::scalar(1, DType::float32)},
      // Any byte but 0 is true; the C++ bool must become 1.
      {"{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }\n", "\0\1\x80"s, 1,
       Array::from({false, true, true}, {3})},
  };
  for (const Known& known : table) {
    CAPTURE(known.dict);
    write_text(directory / "x.npy", npy_text(known.dict, known.elements, known.version));
    CHECK(identical(load_npy(directory / "x.npy"), known.expected));
  }
}

TEST_CASE("load_npy turns Fortran order of three axes", "[npy]") {
  const TemporaryDirectory directory;
  std::string elements;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) elements += static_cast<char>(12 * i + 4 * j + k);
    }
  }
  write_text(directory / "x.npy",
             npy_text("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", elements));
  CHECK(identical(load_npy(directory / "x.npy"), Array::arange(24, DType::uint8).reshape({2, 3, 4})));
}

TEST_CASE("element types that Fathom does not have are DTypeErrors naming them", "[npy]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.npy";
  const auto load_descr = [&](const std::string& descr) {
    write_text(path, npy_text("{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }", "\0\0"s));
    return load_npy(path);
  };
  CHECK_THROWS_WITH(
      load_descr("'<f2'"),
      Equals(path + ": element type float16 ('<f2') is not supported; float32, float64, int64, int32, "
                    "uint8 and bool are\n  hint: convert in NumPy before saving, a.astype('float32')"));
  CHECK_THROWS_WITH(load_descr("'<u2'"), Contains("uint16 ('<u2')"));
  CHECK_THROWS_WITH(load_descr("'<c16'"), Contains("complex128 ('<c16')"));
  CHECK_THROWS_WITH(load_descr("'<U5'"), Contains("element type '<U5'"));
  for (const std::string descr : {"'<f2'", "'|O'", "''", "'f4'", "[('a', '<f4')]"}) {
    CAPTURE(descr);
    CHECK_THROWS_AS(load_descr(descr), DTypeError);
  }
}

TEST_CASE("wrong npy files are IoErrors that say what is wrong", "[npy]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.npy";
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
  const std::string elements(24, '\0');
  struct Wrong {
    std::string text, message;
  };
  const auto with_shape = [&](const std::string& shape) {
    return npy_text("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n", elements);
  };
  const std::vector<Wrong> table{
      {"", "is truncated: 0 bytes do not hold a header"},
      {"\x93NUM", "is truncated: 4 bytes do not hold a header"},
      {"PK\3\4 and more of it", "is no npy file: it does not start with \\x93NUMPY"},
      {npy_text(good, elements, 4), "has npy version 4; versions 1, 2 and 3 are supported"},
      {npy_text(good, elements).substr(0, 30), "is truncated: 30 bytes do not hold a header"},
      {npy_text(good, elements.substr(1)),
       "is truncated or corrupt: its header says float32 (2, 3), but 23 bytes of elements are there"},
      {npy_text(good, elements + "x"), "float32 (2, 3), but 25 bytes of elements are there"},
      {with_shape("(4000000000, 4000000000, 4000000000)"), "but 24 bytes of elements are there"},
      {with_shape("(0, 4000000000, 4000000000)"), "but 24 bytes of elements are there"},
      {with_shape("(99999999999999999999,)"), "has a corrupt npy header: {'descr': '<f4', 'fortran_order'"},
      {with_shape("(-2, -3)"), "has a corrupt npy header"},
      {with_shape("(2, 3"), "has a corrupt npy header"},
      {with_shape("6"), "has a corrupt npy header"},
      {with_shape("(1, 1, 1, 1, 1, 1, 1, 2, 3)"), "at most 8 axes are supported"},
      {npy_text("{'descr': '<f4', 'shape': (2, 3), }", elements), "has a corrupt npy header"},
      {npy_text("{'descr': '<f4', 'descr': '<f4', 'shape': (2, 3), }", elements), "has a corrupt npy header"},
      {npy_text("{'descr': '<f4, 'fortran_order': Maybe}", elements), "has a corrupt npy header"},
      {npy_text("no dict", elements), "has a corrupt npy header: no dict"},
  };
  for (const Wrong& wrong : table) {
    write_text(path, wrong.text);
    CHECK_THROWS_AS(load_npy(path), IoError);
    CHECK_THROWS_WITH(load_npy(path),
                      Contains(path + ": ") && Contains(wrong.message) && Contains("\n  hint: "));
  }
}

TEST_CASE("files that cannot be read are IoErrors with path, reason and hint", "[npy]") {
  const TemporaryDirectory directory;
  const std::string missing = directory / "missing.npy";
  CHECK_THROWS_AS(load_npy(missing), IoError);
  CHECK_THROWS_WITH(load_npy(missing),
                    Equals(missing + ": cannot be read: No such file or directory\n"
                                     "  hint: check the path; relative ones start at the working directory"));
  CHECK_THROWS_WITH(load_npy(directory.path()), Contains("cannot be read: Is a directory"));
  CHECK_THROWS_WITH(load_npz(missing), Contains("No such file or directory"));
  CHECK_THROWS_WITH(load_npy("/dev/null"), Contains("name a regular file"));
}

TEST_CASE("save_npz and load_npz give names and arrays back", "[npz]") {
  const TemporaryDirectory directory;
  const bool compress = GENERATE(true, false);
  const std::string path = directory / "x.npz";
  const NamedArrays entries = some_entries();
  save_npz(path, entries, {.compress = compress});
  const auto loaded = load_npz(path);
  REQUIRE(loaded.size() == entries.size());
  for (const auto& [name, array] : entries) {
    CAPTURE(name);
    REQUIRE(loaded.contains(name));
    CHECK(identical(loaded.at(name), array));
  }
  const NpzReader reader(path);
  REQUIRE(reader.names().size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) CHECK(reader.names()[i] == entries[i].first);
  CHECK(reader.contains("steps"));
  CHECK_FALSE(reader.contains("steps.npy"));
  CHECK(reader.load("steps").item() == 7);
  CHECK_THROWS_AS(reader.load("bias"), IoError);
  CHECK_THROWS_WITH(
      reader.load("bias"),
      Equals(path + ": has no array \"bias\"\n  hint: it has 4: conv1/W, steps, none, " + entries[3].first));
}

TEST_CASE("an archive of nothing is an archive", "[npz]") {
  const TemporaryDirectory directory;
  save_npz(directory / "x.npz", {});
  CHECK(load_npz(directory / "x.npz").empty());
}

TEST_CASE("equal arrays give equal archives", "[npz]") {
  const TemporaryDirectory directory;
  const bool compress = GENERATE(true, false);
  save_npz(directory / "a.npz", some_entries(), {.compress = compress});
  save_npz(directory / "b.npz", some_entries(), {.compress = compress});
  CHECK(read_file(directory / "a.npz") == read_file(directory / "b.npz"));
}

TEST_CASE("compression makes a large archive of zeros small", "[npz]") {
  const TemporaryDirectory directory;
  const Array zeros = Array::zeros({1000, 1000}, DType::float32);
  save_npz(directory / "x.npz", {{"zeros", zeros}});
  CHECK(std::filesystem::file_size(directory / "x.npz") < 10000);
  CHECK(identical(load_npz(directory / "x.npz").at("zeros"), zeros));
}

TEST_CASE("wrong entries of save_npz are errors and leave the old file", "[npz]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.npz";
  write_text(path, "old");
  const Array one = Array::scalar(1, DType::float32);
  CHECK_THROWS_WITH(save_npz(path, {{"a", one}, {"a", one}}),
                    Equals("save_npz: every array needs a name of its own (\"a\" comes twice)\n  file: " +
                           path + "\n  hint: rename one of the two"));
  CHECK_THROWS_AS(save_npz(path, {{"a", one}, {"a", one}}), ValueError);
  CHECK_THROWS_AS(save_npz(path, {{"", one}}), ValueError);
  CHECK_THROWS_AS(save_npz(path, {{std::string(70000, 'x'), one}}), ValueError);
  CHECK_THROWS_AS(save_npz(path, {{"a", one}, {"b", Array{}}}), GraphError);
  CHECK_THROWS_WITH(save_npz(path, {{"a", one}, {"b", Array{}}}), Contains("save_npz: \"b\" is undefined"));
  CHECK(read_text(path) == "old");
  CHECK(directory.count() == 1);
}

TEST_CASE("a file that cannot be written is an IoError with path, reason and hint", "[npz]") {
  const TemporaryDirectory directory;
  const Array one = Array::scalar(1, DType::float32);
  const std::string nowhere = directory / "missing/x.npz";
  const std::string message = nowhere +
                              ": cannot be written: No such file or directory\n"
                              "  hint: its directory does not exist: create it, or choose another place";
  CHECK_THROWS_WITH(save_npz(nowhere, {{"a", one}}), Equals(message));
  CHECK_THROWS_WITH(require_writable(nowhere), Equals(message));
  CHECK_THROWS_AS(save_npy(nowhere, one), IoError);
  CHECK_THROWS_WITH(save_npy(directory.path(), one), Contains("cannot be written: Is a directory"));
  CHECK_THROWS_WITH(save_npy("/dev/null", one), Contains("/dev/null: cannot be written: not a regular file"));
  require_writable(directory / "x.npz");
  CHECK(directory.count() == 0);
}

TEST_CASE("writing through a symbolic link replaces the file that it names", "[npz]") {
  const TemporaryDirectory directory;
  write_text(directory / "real.npy", "old");
  std::filesystem::create_symlink("real.npy", directory / "link.npy");
  save_npy(directory / "link.npy", Array::scalar(2, DType::int64));
  CHECK(std::filesystem::is_symlink(directory / "link.npy"));
  CHECK(load_npy(directory / "real.npy").item() == 2);
}

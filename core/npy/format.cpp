// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/npy/format.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include <fathom/core/error.hpp>

namespace fathom::detail {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

[[noreturn]] void fail_npy(const std::string& where, std::string_view rule) {
  fail_file(where, rule, "write the file again, with numpy.save, numpy.savez or Fathom");
}

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// Reads the header, a Python dict in text: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : text_(text), left_(text), where_(where) {}

  Header parse() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !has_descr) {
        header.descr = descr();
        has_descr = true;
      } else if (key == "fortran_order" && !has_order) {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        header.shape = tuple();
        has_shape = true;
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!left_.empty() || !has_descr || !has_order || !has_shape) fail();
    return header;
  }

 private:
  [[noreturn]] void fail() const {
    std::string shown(text_.substr(0, 120));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    fail_npy(where_, fmt::format("has a corrupt npy header: {}", shown));
  }
  void skip_space() {
    while (!left_.empty() && (left_.front() == ' ' || left_.front() == '\n')) left_.remove_prefix(1);
  }
  bool accept(char wanted) {
    skip_space();
    if (left_.empty() || left_.front() != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail();
  }
  bool accept(std::string_view word) {
    skip_space();
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    return true;
  }
  std::string string() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const std::size_t end = left_.find(quote);
    if (end == std::string_view::npos) fail();
    std::string value(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return value;
  }
  bool boolean() {
    if (accept("True")) return true;
    if (!accept("False")) fail();
    return false;
  }
  std::string descr() {
    skip_space();
    if (left_.starts_with('[') || left_.starts_with('(')) {
      throw DTypeError(
          fmt::format("{}: structured element types are not supported\n"
                      "  hint: save each field as an array of its own",
                      where_));
    }
    return string();
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), size);
      if (error != std::errc{} || size < 0) fail();
      left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
      accept('L');  // Python 2 wrote long integers so.
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  std::string_view text_, left_;
  const std::string& where_;
};

std::optional<DType> find_dtype(std::string_view kind_and_size) {
  if (kind_and_size == "f4") return DType::float32;
  if (kind_and_size == "f8") return DType::float64;
  if (kind_and_size == "i8") return DType::int64;
  if (kind_and_size == "i4") return DType::int32;
  if (kind_and_size == "u1") return DType::uint8;
  if (kind_and_size == "b1") return DType::boolean;
  return std::nullopt;
}

std::string_view kind_and_size(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "f4";
    case DType::float64:
      return "f8";
    case DType::int64:
      return "i8";
    case DType::int32:
      return "i4";
    case DType::uint8:
      return "u1";
    case DType::boolean:
      break;
  }
  return "b1";
}

/// "float16 ('<f2')": NumPy's name of a type that Fathom does not have.
std::string dtype_name(std::string_view descr) {
  const std::string_view kind = descr.substr(std::min<std::size_t>(1, descr.size()));
  std::string bits;
  if (kind.size() == 2 && kind[1] >= '1' && kind[1] <= '8') bits = std::to_string(8 * (kind[1] - '0'));
  if (kind == "c16") bits = "128";
  const std::string_view word = kind.starts_with('f')   ? "float"
                                : kind.starts_with('i') ? "int"
                                : kind.starts_with('u') ? "uint"
                                : kind.starts_with('c') ? "complex"
                                                        : "";
  if (bits.empty() || word.empty()) return fmt::format("'{}'", descr);
  return fmt::format("{}{} ('{}')", word, bits, descr);
}

struct Element {
  DType dtype;
  bool swapped;
};

Element element_of(const std::string& descr, const std::string& where) {
  const std::optional<DType> dtype =
      descr.empty() ? std::nullopt : find_dtype(std::string_view(descr).substr(1));
  const char order = descr.empty() ? '?' : descr.front();
  if (!dtype || std::string_view("<>|=").find(order) == std::string_view::npos) {
    throw DTypeError(
        fmt::format("{}: element type {} is not supported; float32, float64, int64, int32, uint8 and "
                    "bool are\n  hint: convert in NumPy before saving, a.astype('float32')",
                    where, dtype_name(descr)));
  }
  const char native = std::endian::native == std::endian::little ? '<' : '>';
  return {*dtype, item_size(*dtype) > 1 && (order == '<' || order == '>') && order != native};
}

/// Bytes of the elements, which must be the bytes present. Checked size by size: a corrupt header must not
/// overflow.
std::size_t checked_byte_count(const Header& header, DType dtype, std::size_t present,
                               const std::string& where) {
  const std::string sizes = fmt::format("{} ({})", to_string(dtype), fmt::join(header.shape, ", "));
  if (header.shape.size() > Shape::kMaxRank) {
    fail_npy(where, fmt::format("holds {}: at most {} axes are supported", sizes, Shape::kMaxRank));
  }
  const bool empty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  const std::size_t limit = empty ? std::numeric_limits<std::int64_t>::max() : present;
  std::size_t count = item_size(dtype);
  bool fits = count <= limit;
  for (const std::int64_t size : header.shape) {
    const auto factor = static_cast<std::size_t>(std::max<std::int64_t>(size, 1));
    fits = fits && count <= limit / factor;
    if (fits) count *= factor;
  }
  if (empty) count = 0;
  if (!fits || count != present) {
    fail_npy(where,
             fmt::format("is truncated or corrupt: its header says {}, but {} bytes of elements are there",
                         sizes, present));
  }
  return count;
}

void swap_bytes(std::byte* data, std::size_t count, std::size_t item) {
  for (std::size_t i = 0; i < count; i += item) std::reverse(data + i, data + i + item);
}

/// Column-major elements put in row-major order: walks the target, counting its index up like a clock.
void from_fortran(const std::byte* source, const Shape& shape, std::size_t item, std::byte* target) {
  std::array<std::int64_t, Shape::kMaxRank> stride{}, index{};
  std::int64_t step = 1;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    stride[axis] = step;
    step *= shape[axis];
  }
  std::int64_t from = 0;
  for (std::int64_t to = 0; to < shape.size(); ++to) {
    std::memcpy(target + static_cast<std::size_t>(to) * item, source + static_cast<std::size_t>(from) * item,
                item);
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/// The header's text, and where the elements start.
std::pair<std::string_view, std::size_t> header_text(std::span<const std::byte> bytes,
                                                     const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto truncated = [&] {
    fail_npy(where, fmt::format("is truncated: {} bytes do not hold a header", text.size()));
  };
  if (!text.starts_with(kMagic)) {
    if (kMagic.starts_with(text)) truncated();
    fail_npy(where, "is no npy file: it does not start with \\x93NUMPY");
  }
  if (text.size() < kMagic.size() + 2) truncated();
  const auto byte_at = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(text[i])}; };
  const std::size_t version = byte_at(kMagic.size());
  if (version < 1 || version > 3) {
    fail_npy(where, fmt::format("has npy version {}; versions 1, 2 and 3 are supported", version));
  }
  const std::size_t length_size = version == 1 ? 2 : 4;
  const std::size_t start = kMagic.size() + 2 + length_size;
  if (text.size() < start) truncated();
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_size; ++i) length |= byte_at(kMagic.size() + 2 + i) << (8 * i);
  if (length > text.size() - start) truncated();
  return {text.substr(start, length), start + length};
}

}  // namespace

Array decode_npy(std::span<const std::byte> bytes, const std::string& where) {
  const auto [text, start] = header_text(bytes, where);
  const Header header = HeaderParser(text, where).parse();
  const auto [dtype, swapped] = element_of(header.descr, where);
  const std::span<const std::byte> elements = bytes.subspan(start);
  const std::size_t count = checked_byte_count(header, dtype, elements.size(), where);
  const Shape shape(header.shape);
  const std::size_t item = item_size(dtype);

  Array array = Array::empty(shape, dtype);
  if (count == 0) return array;
  std::byte* data = array.raw_mutable_data();
  if (header.fortran_order && shape.rank() > 1) {
    from_fortran(elements.data(), shape, item, data);
  } else {
    std::memcpy(data, elements.data(), count);
  }
  if (swapped) swap_bytes(data, count, item);
  if (dtype == DType::boolean) {
    // A C++ bool may hold nothing but 0 and 1.
    std::transform(data, data + count, data,
                   [](std::byte b) { return b == std::byte{0} ? b : std::byte{1}; });
  }
  return array;
}

std::string npy_header(const Array& array) {
  const std::string_view order = item_size(array.dtype()) == 1                ? "|"
                                 : std::endian::native == std::endian::little ? "<"
                                                                              : ">";
  const Shape& shape = array.shape();
  std::string dict =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}", order,
                  kind_and_size(array.dtype()), fmt::join(shape.span(), ", "), shape.rank() == 1 ? "," : "");
  // The elements start at a multiple of 64, as the format asks.
  const std::size_t before = kMagic.size() + 4;
  const std::size_t total = (before + dict.size() + 1 + 63) / 64 * 64;
  const std::size_t length = total - before;
  dict.append(length - dict.size() - 1, ' ');
  dict += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return header + dict;
}

}  // namespace fathom::detail

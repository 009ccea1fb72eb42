// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/tensorboard_log/event.hpp>

#include <array>
#include <bit>

namespace fathom::nn::train::detail {

namespace {

// Protocol buffers: each field is its number and the kind of its value, then the value.
enum class Kind : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

template <class T>
std::string little_endian(T value) {
  std::string text;
  for (std::size_t i = 0; i < sizeof value; ++i) text += static_cast<char>(value >> 8 * i);
  return text;
}

std::string key(unsigned number, Kind kind) { return varint(number << 3 | static_cast<unsigned>(kind)); }
std::string field(unsigned number, double value) {
  return key(number, Kind::fixed64) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string field(unsigned number, float value) {
  return key(number, Kind::fixed32) + little_endian(std::bit_cast<std::uint32_t>(value));
}
std::string field(unsigned number, std::int64_t value) {
  return key(number, Kind::varint) + varint(static_cast<std::uint64_t>(value));
}
std::string field(unsigned number, std::string_view bytes) {
  return key(number, Kind::bytes) + varint(bytes.size()) + std::string(bytes);
}

// Numbers of the fields of Event, SessionLog, Summary and Summary.Value.
constexpr unsigned kTime = 1, kStep = 2, kVersion = 3, kSummary = 5, kSession = 7;
constexpr unsigned kStatus = 1, kValue = 1, kTag = 1, kSimpleValue = 2;

/// A step of 0 is left out, as protocol buffers do with what is the default.
std::string event_at(double time, std::int64_t step) {
  return field(kTime, time) + (step == 0 ? "" : field(kStep, step));
}

constexpr std::array<std::uint32_t, 256> make_table() {
  constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t rest = i;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? kReflectedPolynomial : 0);
    table[i] = rest;
  }
  return table;
}

/// A checksum that may itself be under a checksum.
std::uint32_t masked_crc(std::string_view bytes) {
  constexpr std::uint32_t kMaskDelta = 0xA282EAD8;
  return std::rotr(crc32c(bytes), 15) + kMaskDelta;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_table();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~crc;
}

std::string version_event(double time) {
  return event_at(time, 0) + field(kVersion, std::string_view("brain.Event:2"));
}

std::string start_event(double time, std::int64_t step) {
  constexpr std::int64_t kStart = 1;
  return event_at(time, step) + field(kSession, field(kStatus, kStart));
}

std::string scalar_event(double time, std::int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    summary += field(kValue, field(kTag, tag) + field(kSimpleValue, static_cast<float>(value)));
  }
  return event_at(time, step) + field(kSummary, summary);
}

std::string tf_record(std::string_view event) {
  const std::string length = little_endian(std::uint64_t{event.size()});
  return length + little_endian(masked_crc(length)) + std::string(event) + little_endian(masked_crc(event));
}

}  // namespace fathom::nn::train::detail

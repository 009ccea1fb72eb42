// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/epoch_fields/lines.hpp>

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include <fathom/core/file.hpp>

namespace fathom::nn::train::detail {

namespace {

/// The number that stands between `prefix` and a comma.
std::optional<std::int64_t> epoch_of(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return std::nullopt;
  std::int64_t epoch = 0;
  const char* end = line.data() + line.size();
  const auto [after, error] = std::from_chars(line.data() + prefix.size(), end, epoch);
  if (error != std::errc() || after == end || *after != ',') return std::nullopt;
  return epoch;
}

}  // namespace

void keep_epochs(AppendFile& file, std::int64_t first, std::string_view head, std::string_view prefix) {
  const Bytes bytes = first == 0 ? Bytes() : read_file(file.path());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t kept = 0;
  // What follows the last line's end was not written whole.
  for (std::size_t number = 1, end = text.find('\n'); end != std::string_view::npos;
       ++number, end = text.find('\n', kept)) {
    const std::string_view line = text.substr(kept, end + 1 - kept);
    const bool is_head = number == 1 && !head.empty() && line == head;
    const std::optional<std::int64_t> epoch = epoch_of(line, prefix);
    if (!is_head && (!epoch || (number == 1 && !head.empty()))) {
      fathom::detail::fail_file(
          file.path(),
          fmt::format("line {} is none of this log, so the resumed training cannot go on with it", number),
          "name another file, or remove this one");
    }
    if (epoch && *epoch > first) break;
    kept = end + 1;
  }
  file.cut(kept);
  if (kept == 0) file.append(head);
}

}  // namespace fathom::nn::train::detail

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/text_table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace fathom {

std::string text_table(const std::vector<std::vector<std::string>>& rows, std::string_view alignment) {
  constexpr std::string_view kGap = "  ";
  std::vector<std::size_t> widths(alignment.size());
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::size_t total = (widths.size() - 1) * kGap.size();
  for (const std::size_t width : widths) total += width;
  const std::string rule = std::string(total, '-') + '\n';

  std::string text;
  for (const std::vector<std::string>& row : rows) {
    if (row.empty()) text += rule;
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += kGap;
      line += alignment[i] == 'r' ? fmt::format("{:>{}}", row[i], widths[i])
                                  : fmt::format("{:<{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (!row.empty()) text += line + '\n';
    if (&row == rows.data()) text += rule;
  }
  return text;
}

std::string count_text(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string bytes_text(std::int64_t bytes) {
  if (std::llabs(bytes) < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1024;
  std::string_view unit = "KiB";
  for (const std::string_view larger : {"MiB", "GiB", "TiB"}) {
    if (std::abs(value) < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

}  // namespace fathom

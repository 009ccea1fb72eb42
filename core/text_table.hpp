// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fathom/core/export.hpp>

namespace fathom {

/// Rows as lines of a table: the first row is the head, and a rule follows it. One letter of `alignment` for
/// each column: l or r. A row of no cells is a rule too.
[[nodiscard]] FATHOM_EXPORT std::string text_table(const std::vector<std::vector<std::string>>& rows,
                                                   std::string_view alignment);

/// "1,234,567"
[[nodiscard]] FATHOM_EXPORT std::string count_text(std::int64_t count);
/// "96 B", "1.5 KiB", "12.0 MiB"
[[nodiscard]] FATHOM_EXPORT std::string bytes_text(std::int64_t bytes);

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fathom/core/export.hpp>

namespace fathom {

/// Whose calls share a row of a hook's table.
enum class CallGroup : std::uint8_t {
  function_in_module,  ///< those of one function in one module
  function,            ///< those of one function wherever it is called
  module,              ///< those of all functions that one module calls itself
};

/// The key of such a row; what is not told apart is empty.
struct CallKey {
  std::string function;
  std::string module_path;
  friend auto operator<=>(const CallKey&, const CallKey&) = default;
};

namespace detail {

/// The columns of a table that tell its rows apart: "function" and "module" for the head, and those of a key.
[[nodiscard]] inline std::vector<std::string> key_cells(const std::string& function,
                                                        const std::string& module_path, CallGroup group) {
  if (group == CallGroup::function) return {function};
  if (group == CallGroup::module) return {module_path};
  return {function, module_path};
}

[[nodiscard]] inline CallKey key_in_group(const CallKey& key, CallGroup group) {
  return {group == CallGroup::module ? "" : key.function,
          group == CallGroup::function ? "" : key.module_path};
}

/// Rows of one group added up, in the order that `before` says; rows that are equal to it in that of the
/// keys.
template <class Row, class Before>
std::vector<Row> grouped_rows(const std::map<CallKey, Row>& calls, CallGroup group, Before before) {
  std::map<CallKey, Row> groups;
  for (const auto& [key, row] : calls) {
    const CallKey group_key = key_in_group(key, group);
    Row& total = groups[group_key];
    total += row;
    total.key = group_key;
  }
  std::vector<Row> rows;
  for (auto& [key, row] : groups) rows.push_back(std::move(row));
  std::stable_sort(rows.begin(), rows.end(), before);
  return rows;
}

}  // namespace detail

}  // namespace fathom

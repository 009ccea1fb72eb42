// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fathom::reference {

/// Counts by group: an operation, an optimizer, an initializer, a network.
class Report {
 public:
  /// An entry that ran: passed when there are no failures.
  void add(const std::string& group, std::string_view id, const std::vector<std::string>& failures);
  void skip(const std::string& group, std::string_view reason);
  /// Printed and not judged.
  void note(const std::string& group, std::string text);

  /// One line for each group in the order of their first entries, its details below, the totals last.
  void print() const;
  /// Something ran, and all that ran passed.
  [[nodiscard]] bool passed() const;

 private:
  struct Group {
    std::string name;
    int passed = 0;
    int failed = 0;
    int skipped = 0;
    std::vector<std::string> reasons = {};  ///< why entries were skipped, each once
    std::vector<std::string> details = {};
  };
  Group& group(const std::string& name);

  std::vector<Group> groups_;
};

}  // namespace fathom::reference

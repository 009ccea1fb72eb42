// SPDX-License-Identifier: BSD-3-Clause
#include "report.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fathom::reference {
namespace {

/// Further lines of a detail stand below its first one.
std::string indented(std::string_view text) {
  std::string result = "    ";
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "      ";
  }
  return result;
}

}  // namespace

Report::Group& Report::group(const std::string& name) {
  const auto found =
      std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.name == name; });
  return found != groups_.end() ? *found : groups_.emplace_back(Group{name});
}

void Report::add(const std::string& group_name, std::string_view id,
                 const std::vector<std::string>& failures) {
  Group& counts = group(group_name);
  ++(failures.empty() ? counts.passed : counts.failed);
  for (const std::string& failure : failures)
    counts.details.push_back(fmt::format("FAILED {}: {}", id, failure));
}

void Report::skip(const std::string& group_name, std::string_view reason) {
  Group& counts = group(group_name);
  ++counts.skipped;
  if (std::find(counts.reasons.begin(), counts.reasons.end(), reason) == counts.reasons.end()) {
    counts.reasons.emplace_back(reason);
  }
}

void Report::note(const std::string& group_name, std::string text) {
  group(group_name).details.push_back("note " + std::move(text));
}

void Report::print() const {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  for (const Group& counts : groups_) {
    const std::string reasons =
        counts.reasons.empty() ? "" : fmt::format(" ({})", fmt::join(counts.reasons, "; "));
    fmt::print("{}: {} passed, {} failed, {} skipped{}\n", counts.name, counts.passed, counts.failed,
               counts.skipped, reasons);
    for (const std::string& detail : counts.details) fmt::print("{}\n", indented(detail));
    passed += counts.passed;
    failed += counts.failed;
    skipped += counts.skipped;
  }
  fmt::print("{} passed, {} failed, {} skipped\n", passed, failed, skipped);
}

bool Report::passed() const {
  const auto sum = [&](int Group::*count) {
    return std::accumulate(groups_.begin(), groups_.end(), 0,
                           [&](int total, const Group& g) { return total + g.*count; });
  };
  return sum(&Group::failed) == 0 && sum(&Group::passed) > 0;
}

}  // namespace fathom::reference

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/time_hook.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/text_table.hpp>

namespace fathom {

TimeHook::Row& TimeHook::Row::operator+=(const Row& other) {
  forward_calls += other.forward_calls;
  backward_calls += other.backward_calls;
  forward_seconds += other.forward_seconds;
  backward_seconds += other.backward_seconds;
  return *this;
}

void TimeHook::before_forward(const Function& function, std::span<const Array>) {
  running_.push_back({&function, Clock::now(), {}});
}
void TimeHook::before_backward(const Function& function, std::span<const Variable>) {
  running_.push_back({&function, Clock::now(), {}});
}

double TimeHook::stop(const Function& function) {
  const Clock::time_point now = Clock::now();
  const auto found = std::find_if(running_.rbegin(), running_.rend(),
                                  [&](const Running& running) { return running.function == &function; });
  if (found == running_.rend()) return 0;
  const Clock::duration elapsed = now - found->start;
  const Clock::duration own = elapsed - found->inside;
  running_.erase(std::prev(found.base()), running_.end());
  if (!running_.empty()) running_.back().inside += elapsed;
  return std::chrono::duration<double>(own).count();
}

void TimeHook::after_forward(const Function& function, std::span<const Array>, std::span<const Array>) {
  const double seconds = stop(function);
  calls_[{std::string(function.name()), function.module_path()}] +=
      {.key = {}, .forward_calls = 1, .forward_seconds = seconds};
}
void TimeHook::after_backward(const Function& function, std::span<const Variable>,
                              std::span<const Variable>) {
  const double seconds = stop(function);
  calls_[{std::string(function.name()), function.module_path()}] +=
      {.key = {}, .backward_calls = 1, .backward_seconds = seconds};
}

std::vector<TimeHook::Row> TimeHook::rows(CallGroup group) const {
  return detail::grouped_rows(calls_, group,
                              [](const Row& a, const Row& b) { return a.seconds() > b.seconds(); });
}

std::string TimeHook::table(CallGroup group) const {
  const std::vector<Row> all = rows(group);
  Row total;
  for (const Row& row : all) total += row;
  const auto milliseconds = [](double seconds) { return fmt::format("{:.3f}", seconds * 1e3); };
  const auto mean = [&](double seconds, std::int64_t calls) {
    return calls == 0 ? std::string("-") : milliseconds(seconds / static_cast<double>(calls));
  };
  const auto cells = [&](std::vector<std::string> line, const Row& row) {
    const double share = total.seconds() > 0 ? 100 * row.seconds() / total.seconds() : 0;
    const std::vector<std::string> numbers{count_text(row.forward_calls),
                                           milliseconds(row.forward_seconds),
                                           mean(row.forward_seconds, row.forward_calls),
                                           count_text(row.backward_calls),
                                           milliseconds(row.backward_seconds),
                                           mean(row.backward_seconds, row.backward_calls),
                                           milliseconds(row.seconds()),
                                           fmt::format("{:.1f}", share)};
    line.insert(line.end(), numbers.begin(), numbers.end());
    return line;
  };
  std::vector<std::string> head = detail::key_cells("function", "module", group);
  const std::string alignment = std::string(head.size(), 'l') + "rrrrrrrr";
  for (const char* name : {"forward", "ms", "mean", "backward", "ms", "mean", "total ms", "%"}) {
    head.emplace_back(name);
  }
  std::vector<std::vector<std::string>> lines{std::move(head)};
  for (const Row& row : all) {
    lines.push_back(cells(detail::key_cells(row.key.function, row.key.module_path, group), row));
  }
  lines.emplace_back();
  lines.push_back(cells(detail::key_cells("total", group == CallGroup::module ? "total" : "", group), total));
  return text_table(lines, alignment);
}

}  // namespace fathom

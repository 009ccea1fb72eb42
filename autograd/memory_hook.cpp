// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/memory_hook.hpp>

#include <algorithm>

#include <fathom/core/memory.hpp>
#include <fathom/core/text_table.hpp>

namespace fathom {

MemoryHook::Row& MemoryHook::Row::operator+=(const Row& other) {
  forward_calls += other.forward_calls;
  backward_calls += other.backward_calls;
  forward_bytes += other.forward_bytes;
  backward_bytes += other.backward_bytes;
  peak_bytes = std::max(peak_bytes, other.peak_bytes);
  return *this;
}

MemoryHook::~MemoryHook() {
  for (const Running& running : running_) detail::raise_peak_memory(running.peak);
}

void MemoryHook::before_forward(const Function& function, std::span<const Array>) { start(function); }
void MemoryHook::before_backward(const Function& function, std::span<const Variable>) { start(function); }

void MemoryHook::start(const Function& function) {
  const MemoryStatistics now = memory_statistics();
  running_.push_back({&function, now.bytes_in_use, now.peak_bytes});
  reset_peak_memory();
}

MemoryHook::Change MemoryHook::stop(const Function& function) {
  const auto found = std::find_if(running_.rbegin(), running_.rend(),
                                  [&](const Running& running) { return running.function == &function; });
  if (found == running_.rend()) return {};
  const auto first = std::prev(found.base());
  const std::int64_t before = first->bytes;
  // Those after it threw; the largest peak before any of them is the one to put back.
  for (auto inner = first + 1; inner != running_.end(); ++inner) detail::raise_peak_memory(inner->peak);
  const MemoryStatistics now = memory_statistics();
  detail::raise_peak_memory(first->peak);
  running_.erase(first, running_.end());
  return {.bytes = now.bytes_in_use - before, .peak = now.peak_bytes};
}

void MemoryHook::after_forward(const Function& function, std::span<const Array>, std::span<const Array>) {
  const Change change = stop(function);
  calls_[{std::string(function.name()), function.module_path()}] +=
      {.key = {}, .forward_calls = 1, .forward_bytes = change.bytes, .peak_bytes = change.peak};
}
void MemoryHook::after_backward(const Function& function, std::span<const Variable>,
                                std::span<const Variable>) {
  const Change change = stop(function);
  calls_[{std::string(function.name()), function.module_path()}] +=
      {.key = {}, .backward_calls = 1, .backward_bytes = change.bytes, .peak_bytes = change.peak};
}

std::vector<MemoryHook::Row> MemoryHook::rows(CallGroup group) const {
  return detail::grouped_rows(calls_, group, [](const Row& a, const Row& b) {
    return a.forward_bytes + a.backward_bytes > b.forward_bytes + b.backward_bytes;
  });
}

std::string MemoryHook::table(CallGroup group) const {
  const auto cells = [](std::vector<std::string> line, const Row& row) {
    const std::vector<std::string> numbers{count_text(row.forward_calls), bytes_text(row.forward_bytes),
                                           count_text(row.backward_calls), bytes_text(row.backward_bytes),
                                           bytes_text(row.peak_bytes)};
    line.insert(line.end(), numbers.begin(), numbers.end());
    return line;
  };
  std::vector<std::string> head = detail::key_cells("function", "module", group);
  const std::string alignment = std::string(head.size(), 'l') + "rrrrr";
  for (const char* name : {"forward", "left", "backward", "left", "peak in use"}) head.emplace_back(name);
  std::vector<std::vector<std::string>> lines{std::move(head)};
  Row total;
  for (const Row& row : rows(group)) {
    lines.push_back(cells(detail::key_cells(row.key.function, row.key.module_path, group), row));
    total += row;
  }
  lines.emplace_back();
  lines.push_back(cells(detail::key_cells("total", group == CallGroup::module ? "total" : "", group), total));
  return text_table(lines, alignment);
}

}  // namespace fathom

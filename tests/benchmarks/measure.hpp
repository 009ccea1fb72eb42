// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace fathom::benchmarks {

struct Budget {
  double seconds = 0.3;      ///< to measure for
  std::size_t at_least = 5;  ///< runs, however long they take
  std::size_t at_most = 2000;
  std::size_t warm_up = 2;
};

struct Times {
  double median_ms, min_ms;
  std::size_t runs;
};

/// Wall-clock times of single calls.
template <class F>
Times measure(const Budget& budget, F&& f) {
  using Clock = std::chrono::steady_clock;
  for (std::size_t i = 0; i < budget.warm_up; ++i) f();
  std::vector<double> times;
  const auto end = Clock::now() + std::chrono::duration<double>(budget.seconds);
  auto start = Clock::now();
  while (times.size() < budget.at_least || (times.size() < budget.at_most && start < end)) {
    start = Clock::now();
    f();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  const std::size_t half = times.size() / 2;
  const double median = times.size() % 2 == 1 ? times[half] : (times[half - 1] + times[half]) / 2;
  return {median, times.front(), times.size()};
}

}  // namespace fathom::benchmarks

// SPDX-License-Identifier: BSD-3-Clause
#include "benchmarks/ops/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

namespace fathom::benchmarks {
namespace {

/// Positions to compare: all, or the first and last and random ones in between where that would take too
/// long.
std::vector<std::int64_t> positions_to_check(std::int64_t size, std::int64_t terms) {
  constexpr std::int64_t kProducts = 10'000'000, kAtLeast = 24;
  const std::int64_t count = std::max(kAtLeast, kProducts / std::max<std::int64_t>(terms, 1));
  std::vector<std::int64_t> positions;
  if (size <= count) {
    for (std::int64_t i = 0; i < size; ++i) positions.push_back(i);
    return positions;
  }
  const Array random = uniform({.seed = 2}, {count}, 0, static_cast<double>(size), DType::float64);
  for (std::int64_t i = 0; i < count; ++i) {
    positions.push_back(std::min(size - 1, static_cast<std::int64_t>(random.data<double>()[i])));
  }
  positions.front() = 0;
  positions.back() = size - 1;
  return positions;
}

}  // namespace

void check(const OpSettings& settings, const OpProblem& problem, const Variables& results) {
  const Expectation expected = problem.expect();
  for (std::size_t which = 0; which < results.size(); ++which) {
    const Array values = results[which].data().astype(DType::float64);
    for (const std::int64_t i : positions_to_check(values.size(), problem.terms)) {
      const auto [value, tolerance] = expected(which, i);
      const double actual = values.data<double>()[i];
      // Infinities are equal; NaN is not within anything.
      if (actual != value && !(std::abs(actual - value) <= tolerance)) {
        throw Error(fmt::format("{} {}: element {} of result {} is {}, not {} (+- {})", settings.op,
                                to_string(settings.pass), i, which, actual, value, tolerance));
      }
    }
  }
}

}  // namespace fathom::benchmarks

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace fathom::detail {

/// Sum of f(i), of type T, over i in [0, count), in 8 lanes: compilers vectorise that without leave to
/// reorder, and the order depends on `count` alone. Keep `count` to some thousands and add such sums up in
/// double. Several sums over data in the first-level cache are faster one by one than in one loop (g++ 12
/// vectorises only the former).
template <class T, class F>
[[nodiscard]] inline double lane_sum(std::int64_t count, F f) {
  constexpr std::int64_t kLanes = 8;
  T lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += f(i + lane);
  }
  double sum = 0;
  for (; i < count; ++i) sum += static_cast<double>(f(i));
  for (const T lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

}  // namespace fathom::detail

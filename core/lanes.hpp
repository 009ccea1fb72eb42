// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <fathom/core/export.hpp>

namespace fathom::detail {

/// `K` sums at once over i in [0, count): f(i) gives the K terms as std::array<T, K>. Each sum runs in 16
/// lanes, which compilers vectorise without leave to reorder, and the order depends on `count` alone. Keep
/// `count` to some thousands and add such sums up in double.
template <class T, std::size_t K, class F>
[[nodiscard]] inline std::array<double, K> lane_sums(std::int64_t count, F f) {
  constexpr std::int64_t kLanes = 16;
  T lanes[K][kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const std::array<T, K> terms = f(i + lane);
      for (std::size_t k = 0; k < K; ++k) lanes[k][lane] += terms[k];
    }
  }
  std::array<double, K> sums{};
  for (; i < count; ++i) {
    const std::array<T, K> terms = f(i);
    for (std::size_t k = 0; k < K; ++k) sums[k] += static_cast<double>(terms[k]);
  }
  for (std::size_t k = 0; k < K; ++k) {
    for (const T lane : lanes[k]) sums[k] += static_cast<double>(lane);
  }
  return sums;
}

}  // namespace fathom::detail

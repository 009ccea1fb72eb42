// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: the way along a row.
#pragma once

#include <cstdint>
#include <type_traits>

#include <fathom/core/simd/lanes.hpp>
#include <fathom/ops/batch_normalization/kernel.hpp>

namespace fathom::ops::batch_norm {
namespace {

using simd::Batch;
using simd::lanes;

/// Calls f(i, count) for the vectors of [0, length): all of them go through the same operations, and the last
/// one, of `count` elements, touches nothing behind the end, where another thread may be writing. The first
/// one may be short too: it has `lead` elements, unless that is 0.
template <class T, class F>
[[gnu::always_inline]] inline void for_each_vector(std::int64_t length, F f, std::int64_t lead = 0) {
  constexpr std::int64_t L = lanes<T>;
  std::int64_t i = lead;
  if (lead > 0) f(0, lead);
  for (; i + L <= length; i += L) f(i, std::integral_constant<std::int64_t, L>{});
  if (i < length) f(i, length - i);
}

/// Asks for memory ahead of time: a group of channels lies in pieces, at whose ends the processor's own
/// prefetching starts anew.
template <class T, bool own>
class Ahead {
 public:
  /// `direction` of the outer items: 1 or -1.
  Ahead(const Geometry& g, int direction) {
    constexpr std::int64_t kLongPiece = (16 << 10) / sizeof(T), kDistance = (2 << 10) / sizeof(T);
    const bool is_short = g.channels * g.inner <= kLongPiece;
    const std::int64_t elements =
        is_short ? direction * g.item() : kDistance;  // in the next piece or in this
    bytes_ = static_cast<std::intptr_t>(elements) * static_cast<std::intptr_t>(sizeof(T));
  }
  /// What follows `at`; it may lie outside the array.
  [[gnu::always_inline]] void fetch(const T* at) const { ask(at, bytes_); }
  [[gnu::always_inline]] void fetch_here(const T* at) const { ask(at, 0); }

 private:
  [[gnu::always_inline]] static void ask(const T* at, std::intptr_t bytes) {
    if constexpr (own || sizeof(Batch<T>) < 32) return;
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::intptr_t>(at) + bytes), 0, 2);
  }

  std::intptr_t bytes_;
};

/// The `lead` after which vectors of a whole cache line lie in one line each, for a long row.
template <class T>
std::int64_t lead_of(const T* row, std::int64_t length) {
  constexpr std::int64_t L = lanes<T>;
  if (L * sizeof(T) < 64 || length < 8 * L) return 0;
  return -(reinterpret_cast<std::intptr_t>(row) / static_cast<std::intptr_t>(sizeof(T))) & (L - 1);
}

}  // namespace
}  // namespace fathom::ops::batch_norm

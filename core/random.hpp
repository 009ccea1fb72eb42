// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include <fathom/core/array.hpp>

namespace fathom {

/// Names one stream of random numbers. Element i of a stream depends on the key and i alone, so it is the
/// same for any number of threads and any order of use.
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  friend bool operator==(RandomKey, RandomKey) = default;
};

/// A source of keys: a seed and the number of the next stream. There is no global one; whatever needs random
/// numbers is handed a Random or a RandomKey.
class FATHOM_EXPORT Random {
 public:
  explicit Random(std::uint64_t seed) : next_{seed, 0} {}
  /// A key that this source hands out once.
  [[nodiscard]] RandomKey key() { return {next_.seed, next_.stream++}; }

 private:
  RandomKey next_;
};

/// Counter-based generator Philox 4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011):
/// the 128 random bits number `counter` of a stream.
[[nodiscard]] FATHOM_EXPORT std::array<std::uint32_t, 4> random_bits(RandomKey key, std::uint64_t counter);

/// Uniform in [low, high), float32 or float64 (DTypeError).
[[nodiscard]] FATHOM_EXPORT Array uniform(RandomKey key, const Shape& shape, double low, double high,
                                          DType dtype);
/// Normal (Box-Muller), float32 or float64 (DTypeError).
[[nodiscard]] FATHOM_EXPORT Array normal(RandomKey key, const Shape& shape, double mean, double deviation,
                                         DType dtype);
/// 0 .. count - 1 in random order (Fisher-Yates), int64 (count).
[[nodiscard]] FATHOM_EXPORT Array permutation(RandomKey key, std::int64_t count);

}  // namespace fathom

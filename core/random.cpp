// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/random.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <fathom/core/error.hpp>
#include <fathom/core/threads.hpp>

namespace fathom {

namespace {

using Words = std::array<std::uint32_t, 4>;

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }
std::uint64_t join(std::uint32_t upper, std::uint32_t lower) { return std::uint64_t{upper} << 32 | lower; }

/// [0, 1) with all 32 bits, and with the 53 that a double holds.
double unit32(std::uint32_t bits) { return static_cast<double>(bits) * 0x1p-32; }
double unit53(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

/// Two independent normal numbers from two uniform ones in [0, 1). 1 - u avoids the logarithm of 0.
std::pair<double, double> box_muller(double u, double v) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - u));
  const double angle = 2.0 * std::numbers::pi * v;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Numbers of type T from one counter: four floats of 32 random bits each, or two doubles of 64.
template <class T>
inline constexpr std::int64_t kPerCounter = 16 / static_cast<std::int64_t>(sizeof(T));

template <class T>
std::array<double, kPerCounter<T>> units(const Words& words) {
  if constexpr (sizeof(T) == 4) {
    return {unit32(words[0]), unit32(words[1]), unit32(words[2]), unit32(words[3])};
  } else {
    return {unit53(join(words[0], words[1])), unit53(join(words[2], words[3]))};
  }
}

/// Fills an array with `make(units)[lane]`, a function of the element's number alone.
template <class Make>
Array generate(std::string_view op, RandomKey key, const Shape& shape, DType dtype, Make make) {
  return dispatch_float(dtype, op, [&]<class T>() {
    Array result = Array::empty(shape, dtype);
    T* out = result.mutable_data<T>();
    constexpr std::int64_t kLanes = kPerCounter<T>;
    constexpr std::int64_t kGrain = 1 << 12;
    const std::int64_t size = shape.size();
    parallel_for((size + kLanes - 1) / kLanes, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t counter = begin; counter < end; ++counter) {
        const auto values = make(units<T>(random_bits(key, static_cast<std::uint64_t>(counter))));
        const std::int64_t first = counter * kLanes;
        for (std::int64_t lane = 0; lane < std::min(kLanes, size - first); ++lane) {
          out[first + lane] = static_cast<T>(values[static_cast<std::size_t>(lane)]);
        }
      }
    });
    return result;
  });
}

}  // namespace

std::array<std::uint32_t, 4> random_bits(RandomKey key, std::uint64_t counter) {
  constexpr int kRounds = 10;
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  Words words{low(counter), high(counter), low(key.stream), high(key.stream)};
  std::uint32_t key0 = low(key.seed), key1 = high(key.seed);
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = kMultiplier0 * words[0];
    const std::uint64_t product1 = kMultiplier1 * words[2];
    words = {high(product1) ^ words[1] ^ key0, low(product1), high(product0) ^ words[3] ^ key1,
             low(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return words;
}

Array uniform(RandomKey key, const Shape& shape, double low, double high, DType dtype) {
  if (!(low <= high) || !std::isfinite(high - low)) {
    throw ValueError(
        fmt::format("uniform: low must not be greater than high, both finite (low {}, high {})\n"
                    "  hint: swap the two",
                    low, high));
  }
  // Rounding, to float above all, must not reach the excluded end.
  double below = std::nextafter(high, low);
  if (dtype == DType::float32) {
    const auto narrow = static_cast<float>(high);
    below = narrow < high ? narrow : std::nextafter(narrow, static_cast<float>(low));
  }
  return generate("uniform", key, shape, dtype, [=](auto values) {
    for (double& value : values) value = std::min(low + (high - low) * value, below);
    return values;
  });
}

Array normal(RandomKey key, const Shape& shape, double mean, double deviation, DType dtype) {
  if (!(deviation >= 0) || !std::isfinite(mean) || !std::isfinite(deviation)) {
    throw ValueError(
        fmt::format("normal: mean must be finite and deviation finite and not negative (mean {}, "
                    "deviation {})\n  hint: the deviation is the square root of the variance",
                    mean, deviation));
  }
  return generate("normal", key, shape, dtype, [=](auto values) {
    for (std::size_t i = 0; i < values.size(); i += 2) {
      const auto [a, b] = box_muller(values[i], values[i + 1]);
      values[i] = mean + deviation * a;
      values[i + 1] = mean + deviation * b;
    }
    return values;
  });
}

Array permutation(RandomKey key, std::int64_t count) {
  if (count < 0) {
    throw ValueError(
        fmt::format("permutation: count must be at least 0 (it is {})\n  hint: count is the number of "
                    "elements to put in random order",
                    count));
  }
  Array result = Array::arange(count, DType::int64);
  auto* out = result.mutable_data<std::int64_t>();
  for (std::int64_t i = count - 1; i > 0; --i) {
    const Words words = random_bits(key, static_cast<std::uint64_t>(i));
    // The remainder's bias is below count / 2^64.
    const std::uint64_t j = join(words[0], words[1]) % static_cast<std::uint64_t>(i + 1);
    std::swap(out[i], out[j]);
  }
  return result;
}

}  // namespace fathom

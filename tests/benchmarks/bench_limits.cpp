// SPDX-License-Identifier: BSD-3-Clause
// Measures what one core can do at most: multiply-adds in float32, and bytes that it copies within caches and
// memory. Prints a line of JSON.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "benchmarks/measure.hpp"

namespace {

using fathom::benchmarks::measure;

constexpr int kChains =
    12;  // of dependent multiply-adds: two units, each with a latency of 4, and some to spare
constexpr int kSteps = 100'000;

/// Inlined, so that it is compiled for the caller's instruction set.
template <class V>
[[gnu::always_inline]] inline void multiply_add() {
  V sums[kChains] = {};
  V factor = V{} + 0.5F, summand = V{} + 1.0F;
  // Hidden from the compiler, which would work the sums out.
  asm volatile("" : "+m"(factor), "+m"(summand));
  for (V& sum : sums) asm volatile("" : "+m"(sum));
  for (int i = 0; i < kSteps; ++i) {
    for (V& sum : sums) sum = sum * factor + summand;
  }
  for (V& sum : sums) asm volatile("" : "+m"(sum));
}

#if defined(__x86_64__)
using V256 [[gnu::vector_size(32)]] = float;
using V512 [[gnu::vector_size(64)]] = float;
[[gnu::target("avx2,fma"), gnu::noinline]] void multiply_add_avx2() { multiply_add<V256>(); }
[[gnu::target("avx512f"), gnu::noinline]] void multiply_add_avx512() { multiply_add<V512>(); }
#endif

double gflops(void (*run)(), std::size_t lanes) {
  const double operations = 2.0 * kChains * kSteps * static_cast<double>(lanes);
  return operations / measure({}, run).median_ms / 1e6;
}

/// GB/s that are read and written together.
double copy_rate(std::size_t bytes) {
  std::vector<char> from(bytes, 1), to(bytes, 2);
  const std::size_t copies = std::max<std::size_t>(1, (std::size_t{1} << 24U) / bytes);
  const auto times = measure({}, [&] {
    for (std::size_t i = 0; i < copies; ++i) {
      std::memcpy(to.data(), from.data(), bytes);
      asm volatile("" : : "r"(to.data()) : "memory");
    }
  });
  return 2.0 * static_cast<double>(bytes * copies) / times.median_ms / 1e6;
}

}  // namespace

int main() {
  constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
  nlohmann::ordered_json limits;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("fma") != 0) limits["GFLOP/s avx2"] = gflops(multiply_add_avx2, 8);
  if (__builtin_cpu_supports("avx512f") != 0) limits["GFLOP/s avx512"] = gflops(multiply_add_avx512, 16);
#endif
  limits["GB/s copying 128 KiB"] = copy_rate(64 * kKiB);
  limits["GB/s copying 8 MiB"] = copy_rate(4 * kMiB);
  limits["GB/s copying 256 MiB"] = copy_rate(128 * kMiB);
  std::cout << limits.dump() << '\n';
}

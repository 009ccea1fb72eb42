// SPDX-License-Identifier: BSD-3-Clause
// Measures what one core can do at most: multiply-adds in float32, and bytes that it reads or copies within
// caches and memory, in Arrays, as ops do. Prints a line of JSON. `bench_limits --help` lists the options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fathom/core/array.hpp>

#include "benchmarks/command_line.hpp"
#include "benchmarks/measure.hpp"
#include "benchmarks/program.hpp"

namespace fathom::benchmarks {
namespace {

// Dependent multiply-adds: two units, each with a latency of 4, and some to spare.
constexpr int kChains = 12;
constexpr int kSteps = 100'000;

// Inlined, so that they are compiled for the caller's instruction set.

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

constexpr int kVectors = 8;                 // of a step through memory
constexpr std::int64_t kAhead = 512;        // elements: how far ahead memory is asked for
constexpr std::int64_t kLineElements = 16;  // of a line of the cache

/// `count` is a multiple of a step's elements.
template <class V, bool asks>
[[gnu::always_inline]] inline void read(const float* from, std::int64_t count) {
  constexpr std::int64_t kLanes = sizeof(V) / sizeof(float), kStep = kVectors * kLanes;
  V sums[kVectors] = {};
  for (const float* const end = from + count; from != end; from += kStep) {
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) {
      V values;
      std::memcpy(&values, from + i * kLanes, sizeof values);
      sums[i] += values;
    }
    for (std::int64_t i = 0; asks && i < kStep; i += kLineElements) __builtin_prefetch(from + kAhead + i);
  }
  for (V& sum : sums) asm volatile("" : : "m"(sum));
}

template <class V, bool asks>
[[gnu::always_inline]] inline void copy(const float* from, std::int64_t count, float* to) {
  constexpr std::int64_t kLanes = sizeof(V) / sizeof(float), kStep = kVectors * kLanes;
  for (const float* const end = from + count; from != end; from += kStep, to += kStep) {
    V values[kVectors];
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) std::memcpy(&values[i], from + i * kLanes, sizeof(V));
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) std::memcpy(to + i * kLanes, &values[i], sizeof(V));
    for (std::int64_t i = 0; asks && i < kStep; i += kLineElements) {
      __builtin_prefetch(from + kAhead + i);
      __builtin_prefetch(to + kAhead + i, 1);
    }
  }
}

/// The loops of one instruction set. Of ways to do the same the fastest counts.
struct Loops {
  const char* name;
  std::int64_t lanes;
  void (*multiply_add)();
  void (*read[2])(const float* from, std::int64_t count);
  void (*copy[2])(const float* from, std::int64_t count, float* to);
};

#if defined(__x86_64__)
using V256 [[gnu::vector_size(32)]] = float;
using V512 [[gnu::vector_size(64)]] = float;
[[gnu::target("avx2,fma"), gnu::noinline]] void multiply_add_avx2() { multiply_add<V256>(); }
[[gnu::target("avx2,fma")]] void read_avx2(const float* from, std::int64_t count) {
  read<V256, false>(from, count);
}
[[gnu::target("avx2,fma")]] void read_asking_avx2(const float* from, std::int64_t count) {
  read<V256, true>(from, count);
}
[[gnu::target("avx2,fma")]] void copy_avx2(const float* from, std::int64_t count, float* to) {
  copy<V256, false>(from, count, to);
}
[[gnu::target("avx2,fma")]] void copy_asking_avx2(const float* from, std::int64_t count, float* to) {
  copy<V256, true>(from, count, to);
}
constexpr Loops kAvx2{
    "avx2", 8, multiply_add_avx2, {read_avx2, read_asking_avx2}, {copy_avx2, copy_asking_avx2}};

[[gnu::target("avx512f"), gnu::noinline]] void multiply_add_avx512() { multiply_add<V512>(); }
[[gnu::target("avx512f")]] void read_avx512(const float* from, std::int64_t count) {
  read<V512, false>(from, count);
}
[[gnu::target("avx512f")]] void read_asking_avx512(const float* from, std::int64_t count) {
  read<V512, true>(from, count);
}
[[gnu::target("avx512f")]] void copy_avx512(const float* from, std::int64_t count, float* to) {
  copy<V512, false>(from, count, to);
}
[[gnu::target("avx512f")]] void copy_asking_avx512(const float* from, std::int64_t count, float* to) {
  copy<V512, true>(from, count, to);
}
constexpr Loops kAvx512{
    "avx512", 16, multiply_add_avx512, {read_avx512, read_asking_avx512}, {copy_avx512, copy_asking_avx512}};
#endif

using V128 [[gnu::vector_size(16)]] = float;
constexpr Loops kBaseline{"baseline",
                          4,
                          multiply_add<V128>,
                          {read<V128, false>, read<V128, true>},
                          {copy<V128, false>, copy<V128, true>}};

/// Of the instruction sets that this machine has, the best one last.
std::vector<Loops> loop_sets() {
  std::vector<Loops> result;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) result.push_back(kAvx2);
  if (__builtin_cpu_supports("avx512f") != 0) result.push_back(kAvx512);
#endif
  if (result.empty()) result.push_back(kBaseline);
  return result;
}

double gflops(const Loops& loops, const Budget& budget) {
  const double operations = 2.0 * kChains * kSteps * static_cast<double>(loops.lanes);
  return operations / measure(budget, loops.multiply_add).median_ms / 1e6;
}

/// GB/s of a pass over `bytes`, as often as it takes to measure it.
template <class F>
double rate(std::size_t bytes, const Budget& budget, F&& pass) {
  const std::size_t passes = std::max<std::size_t>(1, (std::size_t{1} << 24U) / bytes);
  const Times times = measure(budget, [&] {
    for (std::size_t i = 0; i < passes; ++i) {
      pass();
      asm volatile("" : : : "memory");
    }
  });
  return static_cast<double>(bytes * passes) / times.median_ms / 1e6;
}

/// An array of `bytes` whose memory the system has given.
Array floats(std::size_t bytes) {
  return Array::ones({static_cast<std::int64_t>(bytes / sizeof(float))}, DType::float32);
}

/// GB/s of reading `bytes`.
double reading(const Loops& loops, std::size_t bytes, const Budget& budget) {
  const Array x = floats(bytes);
  double best = 0;
  for (const auto read : loops.read) {
    best = std::max(best, rate(bytes, budget, [&] { read(x.data<float>(), x.size()); }));
  }
  return best;
}

/// GB/s of reading half of `bytes` and writing the other half: what is read and what is written counts.
double copying(const Loops& loops, std::size_t bytes, const Budget& budget) {
  const Array x = floats(bytes / 2);
  Array y = floats(bytes / 2);
  auto* const to = y.mutable_data<float>();
  double best = rate(bytes, budget, [&] { std::memcpy(to, x.data<float>(), bytes / 2); });
  for (const auto copy : loops.copy) {
    best = std::max(best, rate(bytes, budget, [&] { copy(x.data<float>(), x.size(), to); }));
  }
  return best;
}

int run(const std::vector<std::string>& words) {
  Budget budget{.seconds = 0.1};
  CLI::App app{
      "Measures what one core can do at most: multiply-adds in float32, and bytes that it reads, or reads "
      "and\n"
      "writes, in arrays that have so many bytes together. Prints a line of JSON."};
  app.add_option("--seconds", budget.seconds, "for each way of doing it")
      ->check(positive())
      ->capture_default_str();
  parse_words(app, words);

  constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
  // From the second-level cache to memory; a multiple of 49 is what ops of MobileNet read and write together.
  constexpr std::size_t kSizes[] = {128 * kKiB,    256 * kKiB, 512 * kKiB, kMiB,          2 * kMiB,
                                    4 * kMiB,      6 * kMiB,   8 * kMiB,   49 * kMiB / 4, 16 * kMiB,
                                    49 * kMiB / 2, 49 * kMiB,  98 * kMiB,  256 * kMiB};
  const std::vector<Loops> all = loop_sets();
  nlohmann::ordered_json limits;
  for (const Loops& set : all) limits[fmt::format("GFLOP/s {}", set.name)] = gflops(set, budget);
  for (const std::size_t bytes : kSizes) {
    const std::string size = bytes < kMiB ? fmt::format("{} KiB", bytes / kKiB)
                                          : fmt::format("{:g} MiB", static_cast<double>(bytes) / kMiB);
    limits[fmt::format("GB/s reading {}", size)] = reading(all.back(), bytes, budget);
    limits[fmt::format("GB/s copying {}", size)] = copying(all.back(), bytes, budget);
  }
  std::cout << limits.dump() << '\n';
  return 0;
}

}  // namespace
}  // namespace fathom::benchmarks

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return fathom::benchmarks::run_program([&] { return fathom::benchmarks::run(words); });
}

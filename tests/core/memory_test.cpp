// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/core/memory.hpp>

using namespace fathom;

namespace {
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCaching = false;  // every block goes to the system, so that overreads show
#else
constexpr bool kCaching = true;
#endif
}  // namespace

TEST_CASE("the pool counts what is in use and its peak", "[memory]") {
  const MemoryStatistics before = memory_statistics();
  reset_peak_memory();
  {
    const Array a = Array::empty({1 << 20}, DType::float32);
    CHECK(memory_statistics().bytes_in_use == before.bytes_in_use + (4 << 20));
  }
  const Array b = Array::empty({16}, DType::float32);
  const MemoryStatistics after = memory_statistics();
  CHECK(after.bytes_in_use == before.bytes_in_use + 64);
  CHECK(after.peak_bytes == before.bytes_in_use + (4 << 20));
  reset_peak_memory();
  CHECK(memory_statistics().peak_bytes == after.bytes_in_use);
}

TEST_CASE("a released block is used again for sizes of its bucket", "[memory]") {
  static_cast<void>(Array::empty({100'000}, DType::float32));
  const std::int64_t allocations = memory_statistics().system_allocations;
  static_cast<void>(Array::empty({100'000}, DType::float32));
  static_cast<void>(Array::empty({98'500}, DType::float32));  // same step of a power of two
  CHECK(memory_statistics().system_allocations == allocations + (kCaching ? 0 : 2));
}

TEST_CASE("the cache can be given back", "[memory]") {
  static_cast<void>(Array::empty({1 << 20}, DType::float32));
  CHECK((memory_statistics().bytes_cached > 0) == kCaching);
  const std::int64_t in_use = memory_statistics().bytes_in_use;
  release_cached_memory();
  CHECK(memory_statistics().bytes_cached == 0);
  CHECK(memory_statistics().bytes_in_use == in_use);
  const std::int64_t allocations = memory_statistics().system_allocations;
  static_cast<void>(Array::empty({1 << 20}, DType::float32));
  CHECK(memory_statistics().system_allocations == allocations + 1);
}

TEST_CASE("blocks of every size do not overlap", "[memory]") {
  std::vector<Array> arrays;
  for (std::int64_t size = 0; size < 700; ++size) {
    arrays.push_back(Array::full({size}, static_cast<double>(size % 251), DType::uint8));
  }
  for (std::int64_t size = 0; size < 700; ++size) {
    const std::uint8_t* data = arrays[static_cast<std::size_t>(size)].data<std::uint8_t>();
    REQUIRE(std::all_of(data, data + size, [&](std::uint8_t value) { return value == size % 251; }));
  }
}

TEST_CASE("more than there is throws and is not counted", "[memory]") {
  reset_peak_memory();
  const MemoryStatistics before = memory_statistics();
  CHECK_THROWS_AS(Array::empty({std::int64_t{1} << 60}, DType::uint8), std::bad_alloc);
  CHECK(memory_statistics().bytes_in_use == before.bytes_in_use);
  CHECK(memory_statistics().peak_bytes == before.peak_bytes);
  CHECK(memory_statistics().system_allocations == before.system_allocations);
}

TEST_CASE("one thread may allocate and another release", "[memory]") {
  const std::int64_t in_use = memory_statistics().bytes_in_use;
  std::vector<Array> made;
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) made.push_back(Array::full({i % 97 + 1}, i, DType::int64));
  }).join();
  for (int i = 0; i < 1000; ++i) REQUIRE(made[static_cast<std::size_t>(i)].data<std::int64_t>()[0] == i);
  std::thread other([] {
    for (int i = 0; i < 1000; ++i) static_cast<void>(Array::zeros({i % 97 + 1}, DType::int64));
  });
  made.clear();
  other.join();
  CHECK(memory_statistics().bytes_in_use == in_use);
}

TEST_CASE("large blocks keep their contents side by side, and their memory goes back and forth", "[memory]") {
  constexpr std::int64_t kBytes[] = {300'000, 5'000'001, 700'000, 80'000'000, 1'100'000, 262'144, 262'145};
  const auto is_full_of = [](const Array& array, std::size_t value) {
    const auto* data = array.data<std::uint8_t>();
    return std::all_of(data, data + array.size(), [&](std::uint8_t byte) { return byte == value; });
  };
  const MemoryStatistics before = memory_statistics();
  for (int round = 0; round < 3; ++round) {
    std::vector<Array> arrays;
    for (const std::int64_t bytes : kBytes) {
      arrays.push_back(Array::full({bytes}, static_cast<double>(arrays.size() + 1), DType::uint8));
    }
    for (std::size_t i = static_cast<std::size_t>(round); i < arrays.size(); i += 2) arrays[i] = {};
    release_cached_memory();  // between those that are in use
    CHECK(memory_statistics().bytes_cached == 0);
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      if (!arrays[i].defined())
        arrays[i] = Array::full({kBytes[i]}, static_cast<double>(i + 1), DType::uint8);
    }
    for (std::size_t i = 0; i < arrays.size(); ++i) CHECK(is_full_of(arrays[i], i + 1));
  }
  CHECK(memory_statistics().bytes_in_use == before.bytes_in_use);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/memory.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include <fathom/core/memory/large_blocks.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define FATHOM_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FATHOM_ADDRESS_SANITIZER 1
#endif
#endif

namespace fathom {
namespace {

using detail::kSlack;
constexpr std::size_t kAlignment = 64;

#if defined(FATHOM_ADDRESS_SANITIZER)
// Every block goes to the system, so that the sanitizer sees reads beyond the slack and after release.
constexpr bool kCaching = false;
#else
constexpr bool kCaching = true;
#endif

/// Sizes are rounded up to one of these many steps for each power of two: little is wasted, and equal nets
/// ask for equal buckets step after step.
constexpr std::size_t kSteps = 32;

struct Bucket {
  std::size_t index;
  std::size_t bytes;
};

Bucket bucket_of(std::size_t bytes) {
  const std::size_t needed = std::max<std::size_t>(bytes, kAlignment);
  const auto power = static_cast<std::size_t>(std::bit_width(needed - 1));  // 2^(power-1) < needed <= 2^power
  const std::size_t base = std::size_t{1} << (power - 1);
  const std::size_t step = std::max<std::size_t>(base / kSteps, 1);
  const std::size_t part = (needed - base + step - 1) / step;  // 1..kSteps
  return {power * kSteps + part - 1, base + part * step};
}

/// The bytes of the bucket of an index.
std::size_t bucket_bytes(std::size_t index) {
  const std::size_t base = std::size_t{1} << (index / kSteps - 1);
  return base + (index % kSteps + 1) * std::max<std::size_t>(base / kSteps, 1);
}

class Pool {
 public:
  // Never destroyed: Arrays with static lifetime may outlive any order of destruction we could choose.
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  std::byte* allocate(std::size_t bytes) {
    const Bucket bucket = bucket_of(bytes);
    const std::size_t total = bytes_of(bucket, bytes);
    {
      const std::lock_guard lock(mutex_);
      std::vector<std::byte*>& free = free_[bucket.index];
      if (!free.empty()) {
        std::byte* block = free.back();
        free.pop_back();
        statistics_.bytes_cached -= static_cast<std::int64_t>(total);
        count_in(total);
        return block;
      }
    }
    std::byte* block = take(total);
    if (block == nullptr) {
      release_cached();  // it may be our own cache that fills the memory
      block = take(total);
    }
    if (block == nullptr) throw std::bad_alloc();
    const std::lock_guard lock(mutex_);
    ++statistics_.system_allocations;
    count_in(total);
    return block;
  }

  void release(std::byte* block, std::size_t bytes) noexcept {
    const Bucket bucket = bucket_of(bytes);
    const std::size_t total = bytes_of(bucket, bytes);
    {
      const std::lock_guard lock(mutex_);
      statistics_.bytes_in_use -= static_cast<std::int64_t>(total);
      if (kCaching && keep(free_[bucket.index], block)) {
        statistics_.bytes_cached += static_cast<std::int64_t>(total);
        return;
      }
    }
    give_back(block, total);
  }

  void release_cached() {
    const std::lock_guard lock(mutex_);
    for (std::size_t index = 0; index < free_.size(); ++index) {
      for (std::byte* block : free_[index]) give_back(block, bucket_bytes(index));
      free_[index].clear();
    }
    statistics_.bytes_cached = 0;
  }

  MemoryStatistics statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    statistics_.peak_bytes = statistics_.bytes_in_use;
  }
  void raise_peak(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    statistics_.peak_bytes = std::max(statistics_.peak_bytes, bytes);
  }

 private:
  static bool is_large(std::size_t total) { return kCaching && total >= detail::LargeBlocks::kLeast; }
  /// `total` bytes with slack on either side, or null.
  std::byte* take(std::size_t total) {
    const std::size_t bytes = round_up(total + 2 * kSlack);
    auto* base = is_large(total) ? large_.allocate(bytes)
                                 : static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes));
    return base == nullptr ? nullptr : base + kSlack;
  }
  void give_back(std::byte* block, std::size_t total) noexcept {
    if (is_large(total)) {
      large_.release(block - kSlack, round_up(total + 2 * kSlack));
    } else {
      std::free(block - kSlack);
    }
  }
  static std::size_t round_up(std::size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  // Without the cache a block has its exact size, or an overread into the bucket's rest would pass unseen.
  static std::size_t bytes_of(const Bucket& bucket, std::size_t bytes) {
    return kCaching ? bucket.bytes : bytes;
  }
  static bool keep(std::vector<std::byte*>& free, std::byte* block) noexcept {
    try {
      free.push_back(block);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  void count_in(std::size_t bytes) {
    statistics_.bytes_in_use += static_cast<std::int64_t>(bytes);
    statistics_.peak_bytes = std::max(statistics_.peak_bytes, statistics_.bytes_in_use);
  }

  detail::LargeBlocks large_;
  std::mutex mutex_;
  std::array<std::vector<std::byte*>, std::size_t{64} * kSteps> free_;
  MemoryStatistics statistics_;
};

}  // namespace

std::byte* detail::pool_allocate(std::size_t bytes) {
  if (bytes > std::size_t{1} << 62) throw std::bad_alloc();
  return Pool::instance().allocate(bytes);
}
void detail::pool_release(std::byte* block, std::size_t bytes) noexcept {
  Pool::instance().release(block, bytes);
}

MemoryStatistics memory_statistics() { return Pool::instance().statistics(); }
void reset_peak_memory() { Pool::instance().reset_peak(); }
void detail::raise_peak_memory(std::int64_t peak_bytes) { Pool::instance().raise_peak(peak_bytes); }
void release_cached_memory() { Pool::instance().release_cached(); }

}  // namespace fathom

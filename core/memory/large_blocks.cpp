// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/memory/large_blocks.hpp>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <new>

namespace fathom::detail {

#if defined(__linux__)

namespace {

constexpr std::size_t kHuge = std::size_t{1} << 21;
constexpr std::size_t kRegion = std::size_t{1} << 26;  // of addresses: memory comes with the first write

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

std::byte* LargeBlocks::allocate(std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    const auto fits = [bytes](const auto& range) { return range.second >= bytes; };
    auto found = std::find_if(free_.begin(), free_.end(), fits);
    if (found == free_.end()) {
      if (!grow(bytes)) return nullptr;
      found = std::find_if(free_.begin(), free_.end(), fits);
    }
    std::byte* const block = found->first;
    if (found->second > bytes) free_.emplace(block + bytes, found->second - bytes);
    free_.erase(found);
    return block;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void LargeBlocks::release(std::byte* block, std::size_t bytes) noexcept {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t first = rounded(reinterpret_cast<std::uintptr_t>(block), page);
  const std::size_t last = (reinterpret_cast<std::uintptr_t>(block) + bytes) / page * page;
  const std::lock_guard lock(mutex_);
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  try {
    join(block, bytes);
  } catch (const std::bad_alloc&) {
    return;  // the addresses are lost, the memory is not
  }
}

bool LargeBlocks::grow(std::size_t bytes) {
  const std::size_t wanted = rounded(std::max(bytes, kRegion), kHuge), mapped = wanted + kHuge;
  void* const base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return false;
  auto* const start = static_cast<std::byte*>(base);
  const std::size_t before =
      rounded(reinterpret_cast<std::uintptr_t>(base), kHuge) - reinterpret_cast<std::uintptr_t>(base);
  if (before > 0) munmap(start, before);
  if (before < kHuge) munmap(start + before + wanted, kHuge - before);
  madvise(start + before, wanted, MADV_HUGEPAGE);
  join(start + before, wanted);
  return true;
}

void LargeBlocks::join(std::byte* first, std::size_t bytes) {
  const auto range = free_.emplace(first, bytes).first;
  if (const auto next = std::next(range); next != free_.end() && first + bytes == next->first) {
    range->second += next->second;
    free_.erase(next);
  }
  if (range == free_.begin()) return;
  if (const auto previous = std::prev(range); previous->first + previous->second == first) {
    previous->second += range->second;
    free_.erase(range);
  }
}

#else

std::byte* LargeBlocks::allocate(std::size_t bytes) noexcept {
  return static_cast<std::byte*>(std::aligned_alloc(64, bytes));
}
void LargeBlocks::release(std::byte* block, std::size_t) noexcept { std::free(block); }

#endif

}  // namespace fathom::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include <fathom/core/export.hpp>

namespace fathom {

/// Counters of the memory pool that all Arrays share, in bytes unless said.
struct MemoryStatistics {
  std::int64_t bytes_in_use = 0;        ///< held by Arrays now
  std::int64_t peak_bytes = 0;          ///< most held at once since the start or reset_peak_memory()
  std::int64_t bytes_cached = 0;        ///< kept by the pool for reuse
  std::int64_t system_allocations = 0;  ///< how often the pool had to ask the system, a count
};

[[nodiscard]] FATHOM_EXPORT MemoryStatistics memory_statistics();
/// The peak starts again from what is in use now.
FATHOM_EXPORT void reset_peak_memory();
/// Gives the cached blocks back to the system.
FATHOM_EXPORT void release_cached_memory();

namespace detail {
/// Puts back a peak that a measurement has reset, unless a higher one was reached since.
FATHOM_EXPORT void raise_peak_memory(std::int64_t peak_bytes);

/// Bytes that may be read, and never written, before and after every block.
inline constexpr std::size_t kSlack = 64;

/// A block of `bytes`, aligned to 64, with slack on either side. Thread-safe. Throws std::bad_alloc.
[[nodiscard]] std::byte* pool_allocate(std::size_t bytes);
void pool_release(std::byte* block, std::size_t bytes) noexcept;
}  // namespace detail

}  // namespace fathom

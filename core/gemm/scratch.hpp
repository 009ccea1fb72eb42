// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/memory.hpp>

namespace fathom::detail {

/// Uninitialised elements of the memory pool, aligned to 64 bytes.
template <class T>
class GemmScratch {
 public:
  explicit GemmScratch(std::int64_t size)
      : bytes_(static_cast<std::size_t>(size) * sizeof(T)), block_(pool_allocate(bytes_)) {}
  GemmScratch(const GemmScratch&) = delete;
  GemmScratch& operator=(const GemmScratch&) = delete;
  ~GemmScratch() { pool_release(block_, bytes_); }

  [[nodiscard]] T* data() const { return reinterpret_cast<T*>(block_); }

 private:
  std::size_t bytes_;
  std::byte* block_;
};

}  // namespace fathom::detail

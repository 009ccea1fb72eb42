// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <new>

#include <fathom/core/memory.hpp>

namespace fathom::detail {

/// Uninitialised elements of the memory pool, aligned to 64 bytes.
template <class T>
class GemmScratch {
 public:
  explicit GemmScratch(std::int64_t size) : bytes_(bytes_of(size)), block_(pool_allocate(bytes_)) {}
  GemmScratch(const GemmScratch&) = delete;
  GemmScratch& operator=(const GemmScratch&) = delete;
  ~GemmScratch() { pool_release(block_, bytes_); }

  [[nodiscard]] T* data() const { return reinterpret_cast<T*>(block_); }

 private:
  static std::size_t bytes_of(std::int64_t size) {
    std::size_t bytes = 0;
    if (size < 0 || __builtin_mul_overflow(static_cast<std::size_t>(size), sizeof(T), &bytes))
      throw std::bad_alloc();
    return bytes;
  }

  std::size_t bytes_;
  std::byte* block_;
};

}  // namespace fathom::detail

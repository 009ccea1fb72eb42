// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace fathom::test {

/// The end of a buffer that touches a page without access.
enum class Side { start, end };

/// `size` bytes next to a page that cannot be read or written: one access too far ends the program, in every
/// build. Aligned to what divides `size`.
class GuardedMemory {
 public:
  GuardedMemory(std::size_t size, Side side);
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory();
  [[nodiscard]] void* data() const { return data_; }

 private:
  std::size_t mapped_;
  std::byte* pages_;
  std::byte* data_;
};

}  // namespace fathom::test

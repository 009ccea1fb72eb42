// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

namespace fathom::detail {

/// Memory for large blocks, side by side on pages of 2 MiB where the system has them: the passes of a
/// training step walk through tens of MiB, and look up fewer pages then. Blocks that are mapped one by one
/// would share no large page, so that those of a few MiB would lie on small ones for the most part.
class LargeBlocks {
 public:
  /// From this many bytes on; those below are malloc's.
  static constexpr std::size_t kLeast = std::size_t{1} << 18;

  /// `bytes`, a multiple of 64, aligned to 64; null when the system has no more.
  [[nodiscard]] std::byte* allocate(std::size_t bytes) noexcept;
  /// The whole small pages go back to the system, the addresses are kept.
  void release(std::byte* block, std::size_t bytes) noexcept;

 private:
  [[nodiscard]] bool grow(std::size_t bytes);
  void join(std::byte* first, std::size_t bytes);

  std::mutex mutex_;
  std::map<std::byte*, std::size_t> free_;  // bytes at an address, neighbours joined
};

}  // namespace fathom::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace fathom::detail {

/// Threads that help with loops. The caller works too, and a piece belongs to whoever takes it first: a
/// worker that the system has put aside delays nobody, since the caller takes its piece as well. Whoever
/// waits spins for a moment and then sleeps, so that other programs get the cores.
class WorkerPool {
 public:
  using Body = void (*)(void* context, std::int64_t piece);

  // Never destroyed: workers may be asleep in it when the program ends.
  static WorkerPool& instance();

  /// Calls body(context, piece) once for each piece of [0, pieces), the caller 0, and returns when all are
  /// done. False, and nothing is called, while another thread's loop is running. `body` must not throw.
  [[nodiscard]] bool run(std::int64_t pieces, void* context, Body body);

 private:
  void grow(std::int64_t workers);
  void work();
  void take_pieces();

  std::mutex running_;
  std::int64_t workers_ = 0;

  // Loop number << 32 | pieces left. Who counts it down by one has taken the piece of that number; of a loop
  // that has ended nothing is left, and the number of the next one keeps a late worker from taking what it
  // did not see.
  std::atomic<std::uint64_t> ticket_{0};
  void* context_ = nullptr;
  Body body_ = nullptr;
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
  alignas(64) std::atomic<std::uint32_t> loops_{0};  // what idle workers watch
  std::atomic<std::int32_t> spinning_{0};
};

}  // namespace fathom::detail

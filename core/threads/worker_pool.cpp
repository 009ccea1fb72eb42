// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/threads/worker_pool.hpp>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

namespace fathom::detail {

namespace {

constexpr std::uint64_t kPieces = 0xffffffff;  // the bits of a ticket that count pieces

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits for a while, busily, and says whether `is_met()` is true.
bool spin(auto is_met) {
  // Longer than the gaps between the loops of a training step, shorter than what anybody else would notice.
  constexpr std::chrono::microseconds kLongest{50};
  const auto end = std::chrono::steady_clock::now() + kLongest;
  do {
    for (int i = 0; i < 32; ++i) {
      if (is_met()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return is_met();
}

}  // namespace

WorkerPool& WorkerPool::instance() {
  static WorkerPool* pool = new WorkerPool;
  return *pool;
}

bool WorkerPool::run(std::int64_t pieces, void* context, Body body) {
  const std::unique_lock lock(running_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  grow(pieces - 1);
  const auto others = static_cast<std::uint32_t>(pieces - 1);
  context_ = context;
  body_ = body;
  unfinished_ = others;
  ticket_ = (((ticket_ >> 32) + 1) << 32) | others;
  ++loops_;
  // Not before loops_ has changed: who stops spinning looks at it once more before falling asleep.
  for (std::int64_t idle = std::min(pieces - 1, workers_) - spinning_; idle > 0; --idle) loops_.notify_one();

  body(context, 0);
  take_pieces();
  if (!spin([this] { return unfinished_ == 0; })) {
    for (std::uint32_t left = unfinished_; left != 0; left = unfinished_) unfinished_.wait(left);
  }
  return true;
}

void WorkerPool::take_pieces() {
  std::uint64_t ticket = ticket_;
  while ((ticket & kPieces) != 0) {
    if (!ticket_.compare_exchange_weak(ticket, ticket - 1)) continue;
    body_(context_, static_cast<std::int64_t>(ticket & kPieces));
    if (--unfinished_ == 0) unfinished_.notify_one();
    ticket = ticket_;
  }
}

/// Fewer workers than asked for, where the system refuses, only means that the others take more pieces.
void WorkerPool::grow(std::int64_t workers) {
  try {
    for (; workers_ < workers; ++workers_) std::thread([this] { work(); }).detach();
  } catch (const std::system_error&) {
    return;
  }
}

void WorkerPool::work() {
  std::uint32_t seen = 0;
  while (true) {
    ++spinning_;
    const bool has_come = spin([&] { return loops_ != seen; });
    --spinning_;
    if (!has_come) loops_.wait(seen);
    seen = loops_;
    take_pieces();
  }
}

}  // namespace fathom::detail

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/threads.hpp>

#include <fmt/format.h>

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <fathom/core/error.hpp>
#include <fathom/core/threads/worker_pool.hpp>

namespace fathom {
namespace {

/// OMP_NUM_THREADS, which users set for other libraries too, else the cores that this process may use.
int default_threads() {
  const char* const setting = std::getenv("OMP_NUM_THREADS");
  if (const int wanted = setting == nullptr ? 0 : std::atoi(setting); wanted > 0) return wanted;
#if defined(__linux__)
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return std::max(1, CPU_COUNT(&cores));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::atomic<int>& thread_setting() {
  static std::atomic<int> threads{default_threads()};
  return threads;
}
thread_local bool is_serial = false;
std::atomic<int> fine_grains{0};
std::atomic<std::int64_t> shared{0};
}  // namespace

SerialScope::SerialScope() : outer_(std::exchange(is_serial, true)) {}
SerialScope::~SerialScope() { is_serial = outer_; }

void set_num_threads(int threads) {
  if (threads < 1) {
    throw ValueError(
        fmt::format("set_num_threads: at least 1 thread is needed (got {})\n  hint: 1 runs everything on the "
                    "calling thread",
                    threads));
  }
  thread_setting() = threads;
}

int num_threads() { return thread_setting(); }

std::int64_t detail::piece_count(std::int64_t count, std::int64_t grain, int threads) {
  const std::int64_t least = fine_grains > 0 ? 1 : std::max<std::int64_t>(grain, 1);
  return std::clamp<std::int64_t>(count / least, 1, threads);
}

detail::FineGrain::FineGrain() { ++fine_grains; }
detail::FineGrain::~FineGrain() { --fine_grains; }
std::int64_t detail::shared_loops() { return shared; }

namespace {

/// A loop in pieces, and the exception of the first piece that threw one.
class SharedLoop {
 public:
  SharedLoop(std::int64_t count, std::int64_t pieces, void* context, detail::LoopBody body)
      : count_(count), pieces_(pieces), context_(context), body_(body) {}

  void run(std::int64_t piece) noexcept {
    const SerialScope no_loops_inside;
    try {
      body_(context_, count_ * piece / pieces_, count_ * (piece + 1) / pieces_);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (error_ == nullptr || piece < failed_) {
        failed_ = piece;
        error_ = std::current_exception();
      }
    }
  }
  void rethrow() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  std::int64_t count_, pieces_;
  void* context_;
  detail::LoopBody body_;
  std::mutex mutex_;
  std::int64_t failed_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void detail::parallel_for(std::int64_t count, std::int64_t grain, int threads, void* context, LoopBody body) {
  if (count <= 0) return;
  const std::int64_t pieces = piece_count(count, grain, threads);
  if (pieces > 1 && !is_serial) {
    SharedLoop loop(count, pieces, context, body);
    const auto run = [](void* shared_loop, std::int64_t piece) {
      static_cast<SharedLoop*>(shared_loop)->run(piece);
    };
    if (WorkerPool::instance().run(pieces, &loop, run)) {
      ++shared;
      return loop.rethrow();
    }
  }
  body(context, 0, count);
}

}  // namespace fathom

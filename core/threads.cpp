// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/threads.hpp>

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>
#include <vector>

#include <fathom/core/error.hpp>

namespace fathom {
namespace {
std::atomic<int>& thread_setting() {
  static std::atomic<int> threads{omp_get_max_threads()};
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

void detail::parallel_for(std::int64_t count, std::int64_t grain, int threads, void* context,
                          void (*body)(void*, std::int64_t, std::int64_t)) {
  if (count <= 0) return;
  const std::int64_t pieces = piece_count(count, grain, threads);
  if (pieces == 1 || is_serial || omp_in_parallel() != 0) {
    body(context, 0, count);
    return;
  }
  ++shared;
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(pieces));
#pragma omp parallel num_threads(static_cast <int>(pieces))
  {
    // The team may be smaller than asked for: a thread then takes several pieces.
    for (std::int64_t piece = omp_get_thread_num(); piece < pieces; piece += omp_get_num_threads()) {
      try {
        body(context, count * piece / pieces, count * (piece + 1) / pieces);
      } catch (...) {
        errors[static_cast<std::size_t>(piece)] = std::current_exception();
      }
    }
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace fathom

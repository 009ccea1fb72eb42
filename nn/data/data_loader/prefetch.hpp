// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <fathom/nn/data/data_loader.hpp>

namespace fathom::nn::detail {

/// Makes the batches 0 ... count - 1 on threads of its own, up to `depth` of them ahead, and hands them out
/// in order. Those threads share no loops. The destructor waits for the batches in the making alone.
class Prefetch {
 public:
  /// `make` is called by several threads at once.
  Prefetch(std::function<Batch(std::int64_t index)> make, std::int64_t count, std::int64_t workers,
           std::int64_t depth);

  /// The next batch, or the exception that making it threw: the one after it follows all the same. At most
  /// `count` calls.
  [[nodiscard]] Batch next();

 private:
  /// One batch from its making to its handing out.
  struct Slot {
    Batch batch;
    std::exception_ptr error;
    bool is_full = false;
  };
  [[nodiscard]] Slot& slot(std::int64_t index) {
    return slots_[static_cast<std::size_t>(index) % slots_.size()];
  }
  void work(const std::stop_token& stop);

  std::function<Batch(std::int64_t)> make_;
  std::int64_t count_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any has_batch_, has_room_;
  std::vector<Slot> slots_;            // a ring: batch i is in slot i modulo their number
  std::int64_t started_ = 0;           // batches that a worker has taken on
  std::int64_t returned_ = 0;          // batches that `next` has handed out
  std::vector<std::jthread> workers_;  // the last member: they stop before the others go
};

}  // namespace fathom::nn::detail

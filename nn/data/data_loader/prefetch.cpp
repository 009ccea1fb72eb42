// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/data_loader/prefetch.hpp>

#include <algorithm>
#include <utility>

#include <fathom/core/threads.hpp>

namespace fathom::nn::detail {

Prefetch::Prefetch(std::function<Batch(std::int64_t index)> make, std::int64_t count, std::int64_t workers,
                   std::int64_t depth)
    : make_(std::move(make)), count_(count), slots_(static_cast<std::size_t>(std::min(count, depth))) {
  // A worker without a slot would never find room.
  for (std::int64_t i = 0; i < std::min({workers, count, depth}); ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

void Prefetch::work(const std::stop_token& stop) {
  const SerialScope serial;
  const auto room = [this] {
    return started_ == count_ || started_ - returned_ < static_cast<std::int64_t>(slots_.size());
  };
  std::unique_lock lock(mutex_);
  while (has_room_.wait(lock, stop, room) && !stop.stop_requested() && started_ < count_) {
    const std::int64_t index = started_++;
    lock.unlock();
    Slot made;
    try {
      made.batch = make_(index);
    } catch (...) {
      made.error = std::current_exception();
    }
    made.is_full = true;
    lock.lock();
    slot(index) = std::move(made);
    has_batch_.notify_one();
  }
}

Batch Prefetch::next() {
  std::unique_lock lock(mutex_);
  has_batch_.wait(lock, [this] { return slot(returned_).is_full; });
  const Slot made = std::exchange(slot(returned_), {});
  ++returned_;
  lock.unlock();
  has_room_.notify_all();
  if (made.error) std::rethrow_exception(made.error);
  return made.batch;
}

}  // namespace fathom::nn::detail

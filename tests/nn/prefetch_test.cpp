// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/data_loader.hpp>

#include "support/restore.hpp"

using namespace fathom;

namespace {

/// 50 images whose pixels and labels are their number.
nn::DataLoader numbered(nn::DataLoaderOptions options) {
  const Array numbers = Array::arange(50, DType::int64);
  return {numbers.astype(DType::float32).reshape({50, 1, 1, 1}), numbers, std::move(options)};
}

/// What a test wants to know of the threads that call `transform`.
struct Calls {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::int64_t count = 0;

  void add() {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    ++count;
  }
};

std::vector<nn::Batch> all_batches(nn::DataLoader& loader) {
  std::vector<nn::Batch> batches;
  for (const nn::Batch& batch : loader) batches.push_back(batch);
  return batches;
}

/// Threads of this process, 0 where there is no such list.
std::int64_t thread_count() {
  std::error_code failed;
  std::filesystem::directory_iterator tasks("/proc/self/task", failed);
  return failed ? 0 : std::distance(tasks, std::filesystem::directory_iterator());
}

/// Thrown by a transform for the batch that holds this label.
struct Bad : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

TEST_CASE("batches and their order are the same for any number of workers", "[data_loader][prefetch]") {
  // Pixels get noise that depends on the key: batches that were mixed up would show.
  const auto add_noise = [](nn::Batch& batch, RandomKey key) {
    const Array noise = normal(key, batch.images.shape(), 0, 1, DType::float32);
    float* pixels = batch.images.mutable_data<float>();
    for (std::int64_t i = 0; i < noise.size(); ++i) pixels[i] += noise.data<float>()[i];
  };
  nn::DataLoader alone = numbered({.batch = 4, .transform = add_noise});
  const std::int64_t workers = GENERATE(1, 2, 3, 7), prefetch = GENERATE(1, 2, 4, 100);
  CAPTURE(workers, prefetch);
  nn::DataLoader loader =
      numbered({.batch = 4, .workers = workers, .prefetch = prefetch, .transform = add_noise});
  for (int epoch = 0; epoch < 3; ++epoch) {
    const std::vector<nn::Batch> expected = all_batches(alone), got = all_batches(loader);
    REQUIRE(got.size() == 13);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(identical(got[i].images, expected[i].images));
      CHECK(identical(got[i].labels, expected[i].labels));
    }
  }
  alone.set_epoch(0);
  loader.set_epoch(1);
  CHECK_FALSE(identical((*alone.begin()).images, (*loader.begin()).images));
}

TEST_CASE("the key of a transform is another for every batch and epoch", "[data_loader][prefetch]") {
  std::vector<std::uint64_t> streams;
  nn::DataLoader loader = numbered({.batch = 10, .seed = 8, .transform = [&](nn::Batch&, RandomKey key) {
                                      CHECK(key.seed == 8);
                                      streams.push_back(key.stream);
                                    }});
  for (int epoch = 0; epoch < 3; ++epoch) all_batches(loader);
  CHECK(streams.size() == 15);
  CHECK(std::set<std::uint64_t>(streams.begin(), streams.end()).size() == 15);
}

TEST_CASE("workers share no loops", "[data_loader][prefetch]") {
  const test::RestoreSettings restore;
  set_num_threads(4);
  constexpr std::int64_t kWorkers = 2;
  const std::int64_t before = thread_count();
  Calls calls;
  std::atomic<std::int64_t> pieces{0}, most_threads{0};
  // Large enough that gathering a batch would be worth several threads.
  nn::DataLoader loader(Array::zeros({32, 3, 64, 64}, DType::uint8), Array::zeros({32}, DType::int64),
                        {.batch = 16, .workers = kWorkers, .transform = [&](nn::Batch&, RandomKey) {
                           calls.add();
                           parallel_for(1000, 1, [&](std::int64_t, std::int64_t) { ++pieces; });
                           most_threads = std::max(most_threads.load(), thread_count());
                         }});
  REQUIRE(all_batches(loader).size() == 2);
  CHECK(pieces == 2);
  CHECK(most_threads <= before + kWorkers);
  CHECK_FALSE(calls.threads.contains(std::this_thread::get_id()));
  // The calling thread is as it was.
  std::atomic<std::int64_t> here{0};
  parallel_for(1000, 1, [&](std::int64_t, std::int64_t) { ++here; });
  CHECK(here == 4);
}

TEST_CASE("an epoch that goes on at a batch has the batches of a whole one", "[data_loader][prefetch]") {
  const std::int64_t workers = GENERATE(0, 1, 3);
  CAPTURE(workers);
  const auto mark = [](nn::Batch& batch, RandomKey key) {
    batch.images.mutable_data<float>()[0] += static_cast<float>(random_bits(key, 0)[0] % 1000);
  };
  nn::DataLoader whole = numbered({.batch = 4, .transform = mark});
  nn::DataLoader rest = numbered({.batch = 4, .workers = workers, .transform = mark});
  all_batches(whole);
  const std::vector<nn::Batch> second = all_batches(whole), third = all_batches(whole);
  for (const std::size_t first : {std::size_t{0}, std::size_t{5}, second.size() - 1, second.size()}) {
    CAPTURE(first);
    rest.set_position(1, static_cast<std::int64_t>(first));
    auto at = rest.begin();
    CHECK(at.batch() == static_cast<std::int64_t>(first));
    for (std::size_t i = first; i < second.size(); ++i, ++at) {
      REQUIRE(at != rest.end());
      CHECK(identical((*at).images, second[i].images));
      CHECK(identical((*at).labels, second[i].labels));
    }
    CHECK(at == rest.end());
    CHECK(rest.epoch() == 2);
    const std::vector<nn::Batch> after = all_batches(rest);
    REQUIRE(after.size() == third.size());
    for (std::size_t i = 0; i < third.size(); ++i) CHECK(identical(after[i].images, third[i].images));
  }
}

TEST_CASE("a position outside the epoch is an error", "[data_loader]") {
  nn::DataLoader loader = numbered({.batch = 4});
  CHECK_THROWS_WITH(loader.set_position(0, 14),
                    "DataLoader::set_position: batch must be at most size() (batch 14 of 13)\n"
                    "  hint: a position fits the set and the size of batches that it was taken with");
  CHECK_THROWS_AS(loader.set_position(0, 14), ValueError);
  CHECK_THROWS_AS(loader.set_position(0, -1), ValueError);
  CHECK_THROWS_AS(loader.set_position(-1, 0), ValueError);
  CHECK(loader.epoch() == 0);
}

TEST_CASE("a transform is told the epoch and the number of each image", "[data_loader][prefetch]") {
  const std::int64_t workers = GENERATE(0, 2);
  Calls calls;
  nn::DataLoader loader =
      numbered({.batch = 4, .workers = workers, .transform = [&](nn::Batch& batch, const nn::BatchKey& key) {
                  calls.add();
                  // The images' labels are their numbers.
                  if (!identical(key.images, batch.labels)) throw Bad("other numbers");
                  batch.labels =
                      Array::full(batch.labels.shape(), static_cast<double>(key.epoch), DType::int64);
                }});
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    for (const auto& [images, labels] : loader) CHECK(labels.data<std::int64_t>()[0] == epoch);
  }
  CHECK(calls.count == 26);
}

TEST_CASE("an exception reaches the caller at its batch, and the epoch goes on", "[data_loader][prefetch]") {
  const std::int64_t workers = GENERATE(0, 1, 3);
  CAPTURE(workers);
  const std::int64_t bad_batch = GENERATE(0, 3, 12);
  CAPTURE(bad_batch);
  nn::DataLoader loader =
      numbered({.batch = 4, .shuffle = false, .workers = workers, .transform = [=](nn::Batch& b, RandomKey) {
                  if (b.labels.data<std::int64_t>()[0] == bad_batch * 4) throw Bad("this batch is bad");
                }});
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::int64_t batches = 0;
    const auto run = [&] {
      for (const auto& [images, labels] : loader) {
        REQUIRE(labels.data<std::int64_t>()[0] == batches * 4);
        ++batches;
      }
    };
    CHECK_THROWS_AS(run(), Bad);
    CHECK(batches == bad_batch);
  }
  if (bad_batch == 0) return;
  auto batch = loader.begin();
  for (int i = 1; i < bad_batch; ++i) ++batch;
  CHECK_THROWS_WITH(++batch, "this batch is bad");
  CHECK_FALSE((*batch).images.defined());
  ++batch;
  if (bad_batch == 12) {
    CHECK(batch == loader.end());
  } else {
    CHECK((*batch).labels.data<std::int64_t>()[0] == (bad_batch + 1) * 4);
  }
}

TEST_CASE("an epoch can be left at any batch, and leaves no memory behind", "[data_loader][prefetch]") {
  const std::int64_t workers = GENERATE(0, 1, 4);
  CAPTURE(workers);
  nn::DataLoader loader = numbered({.batch = 4, .workers = workers, .prefetch = 3});
  const std::int64_t memory = memory_statistics().bytes_in_use;
  for (int leave_at = 0; leave_at < 13; ++leave_at) {
    int at = 0;
    for (const nn::Batch& batch : loader) {
      REQUIRE(batch.labels.size() > 0);
      if (at++ == leave_at) break;
    }
    REQUIRE(memory_statistics().bytes_in_use == memory);
  }
  CHECK(loader.epoch() == 13);
}

TEST_CASE("an iterator outlives its loader, moves, and may be replaced", "[data_loader][prefetch]") {
  const std::int64_t workers = GENERATE(0, 2);
  CAPTURE(workers);
  const std::int64_t memory = memory_statistics().bytes_in_use;
  const auto label = [](const nn::Batch& batch) { return batch.labels.data<std::int64_t>()[0]; };
  {
    auto loader = std::make_unique<nn::DataLoader>(
        numbered({.batch = 4, .shuffle = false, .workers = workers, .prefetch = 2}));
    auto first = loader->begin();
    ++first;
    nn::DataLoader moved = std::move(*loader);
    auto second = moved.begin();
    loader.reset();
    CHECK(label(*++first) == 8);
    auto third = std::move(first);
    CHECK(label(*++third) == 12);
    third = std::move(second);
    CHECK(label(*third) == 0);
    std::int64_t left = 0;
    for (; third != std::default_sentinel; ++third) ++left;
    CHECK(left == 13);
  }
  CHECK(memory_statistics().bytes_in_use == memory);
}

TEST_CASE("workers are never further ahead than `prefetch` batches", "[data_loader][prefetch]") {
  Calls calls;
  nn::DataLoader loader = numbered(
      {.batch = 2, .workers = 3, .prefetch = 4, .transform = [&](nn::Batch&, RandomKey) { calls.add(); }});
  std::int64_t taken = 0;
  for (const nn::Batch& batch : loader) {
    REQUIRE(batch.labels.size() == 2);
    ++taken;
    std::this_thread::yield();
    const std::lock_guard lock(calls.mutex);
    REQUIRE(calls.count >= taken);
    REQUIRE(calls.count <= taken + 4);
  }
  CHECK(taken == 25);
  CHECK(calls.count == 25);
}

TEST_CASE("an empty set has no batches, with workers too", "[data_loader][prefetch]") {
  nn::DataLoader loader(Array::zeros({0, 2, 2}, DType::uint8), Array::zeros({0}, DType::int64),
                        {.workers = 2});
  CHECK(all_batches(loader).empty());
}

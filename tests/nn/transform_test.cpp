// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/flip.hpp>
#include <fathom/nn/data/random_crop.hpp>
#include <fathom/nn/data/random_erasing.hpp>
#include <fathom/nn/data/resize.hpp>
#include <fathom/nn/data/transform.hpp>

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "support/restore.hpp"

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

nn::DataLoader augmented(std::int64_t workers) {
  const Array images = uniform({5, 6}, {30, 3, 9, 7}, 0, 1, DType::float32);
  return {images,
          Array::arange(30, DType::int64),
          {.batch = 8,
           .workers = workers,
           .transform =
               nn::compose({nn::alternating_flip(), nn::horizontal_flip(), nn::random_shift(2),
                            nn::random_crop({.pad = 1, .border = nn::Border::reflect}), nn::random_erasing(),
                            nn::random_erasing({.noise = true}), nn::resize({8, 11})})}};
}

std::vector<Array> two_epochs(nn::DataLoader loader) {
  std::vector<Array> images;
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const nn::Batch& batch : loader) images.push_back(batch.images);
  }
  return images;
}

}  // namespace

TEST_CASE("transforms have the same bits for any number of workers and threads", "[transform]") {
  const test::RestoreSettings restore;
  set_num_threads(1);
  const std::vector<Array> expected = two_epochs(augmented(0));
  CHECK(expected.front().shape() == Shape{8, 3, 8, 11});
  const std::int64_t workers = GENERATE(0, 1, 2, 3, 4);
  const int threads = GENERATE(1, 2, 3);
  CAPTURE(workers, threads);
  const detail::FineGrain fine;
  set_num_threads(threads);
  const std::vector<Array> got = two_epochs(augmented(workers));
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(identical(got[i], expected[i]));
}

TEST_CASE("a composition runs its transforms in order, each with numbers of its own", "[transform]") {
  std::vector<std::uint64_t> streams;
  std::vector<int> order;
  const auto note = [&](int number) {
    return [&, number](nn::Batch&, const nn::BatchKey& key) {
      CHECK(key.random.seed == 8);
      CHECK(key.epoch == 3);
      CHECK(key.images.size() == 2);
      streams.push_back(key.random.stream);
      order.push_back(number);
    };
  };
  nn::Batch batch;
  nn::compose({note(1), nn::compose({note(2), note(3)}), note(4)})(
      batch, nn::BatchKey({8, 1}, 3, Array::arange(2, DType::int64)));
  CHECK(order == std::vector<int>{1, 2, 3, 4});
  CHECK(std::set<std::uint64_t>(streams.begin(), streams.end()).size() == 4);
  nn::compose({})(batch, RandomKey{1, 2});
  CHECK_THROWS_WITH(nn::compose({note(1), nullptr}),
                    Contains("compose: every transform must be callable (number 1 is empty)"));
}

TEST_CASE("two transforms with the same key draw numbers of their own", "[transform]") {
  // Were they the same numbers, every image that is mirrored would move up and no other one.
  constexpr std::int64_t kCount = 400, kSize = 4;
  Array images = Array::empty({kCount, 1, 2, 2}, DType::float32);
  for (std::int64_t i = 0; i < kSize * kCount; ++i)
    images.mutable_data<float>()[i] = static_cast<float>(i % kSize + 1);
  nn::Batch batch{images, Array::zeros({kCount}, DType::int64)};
  nn::horizontal_flip()(batch, RandomKey{1, 2});
  nn::random_shift({1, 0})(batch, RandomKey{1, 2});
  std::set<std::vector<float>> seen;
  for (std::int64_t i = 0; i < kCount; ++i) {
    const float* picture = batch.images.data<float>() + kSize * i;
    seen.insert({picture, picture + kSize});
  }
  CHECK(seen.size() == 6);
}

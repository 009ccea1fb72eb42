// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/data/data_loader.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <vector>

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

/// `count` images of one byte, whose value is their number and their label.
Array numbered_images(std::int64_t count) {
  return Array::arange(count, DType::uint8).reshape({count, 1, 1});
}

std::vector<std::int64_t> labels_of_epoch(nn::DataLoader& loader) {
  std::vector<std::int64_t> all;
  for (const auto& [images, labels] : loader) {
    all.insert(all.end(), labels.data<std::int64_t>(), labels.data<std::int64_t>() + labels.size());
  }
  return all;
}

std::vector<std::int64_t> in_order(std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) numbers[static_cast<std::size_t>(i)] = i;
  return numbers;
}

}  // namespace

TEST_CASE("batches hold normalised images with their labels", "[data_loader]") {
  nn::DataLoader loader(Array::from<std::uint8_t>({0, 255, 51, 102}, {2, 1, 2}),
                        Array::from<std::int64_t>({4, 9}, {2}),
                        {.batch = 2, .shuffle = false, .mean = {0.2}, .deviation = {0.4}});
  int batches = 0;
  for (const auto& [images, labels] : loader) {
    ++batches;
    CHECK(allclose(images, Array::from({-0.5F, 2.0F, 0.0F, 0.5F}, {2, 1, 1, 2}), 1e-6, 1e-7));
    CHECK(identical(labels, Array::from<std::int64_t>({4, 9}, {2})));
  }
  CHECK(batches == 1);
}

TEST_CASE("every channel has its own mean and deviation", "[data_loader]") {
  const DType dtype = GENERATE(DType::uint8, DType::float32);
  CAPTURE(dtype);
  // Bytes are scaled by 1 / 255 first, floats are taken as they are.
  const double scale = dtype == DType::uint8 ? 1.0 / 255 : 1;
  const Array images =
      Array::from<std::uint8_t>({10, 20, 30, 40, 50, 60, 70, 80}, {2, 2, 1, 2}).astype(dtype);
  nn::DataLoader loader(
      images, Array::zeros({2}, DType::int64),
      {.shuffle = false, .mean = {10 * scale, 30 * scale}, .deviation = {5 * scale, 10 * scale}});
  const nn::Batch batch = *loader.begin();
  CHECK(allclose(batch.images, Array::from({0.0F, 2.0F, 0.0F, 1.0F, 8.0F, 10.0F, 4.0F, 5.0F}, {2, 2, 1, 2}),
                 1e-5, 1e-5));
}

TEST_CASE("the last batch is smaller, or left out", "[data_loader]") {
  struct Case {
    std::int64_t count, batch;
    bool drop_last;
    std::vector<std::int64_t> sizes;
  };
  const auto c = GENERATE(values<Case>({{10, 4, false, {4, 4, 2}},
                                        {10, 4, true, {4, 4}},
                                        {8, 4, false, {4, 4}},
                                        {8, 4, true, {4, 4}},
                                        {3, 4, false, {3}},
                                        {3, 4, true, {}},
                                        {0, 4, false, {}}}));
  CAPTURE(c.count, c.drop_last);
  nn::DataLoader loader(numbered_images(c.count), Array::arange(c.count, DType::int64),
                        {.batch = c.batch, .drop_last = c.drop_last});
  std::vector<std::int64_t> sizes;
  std::int64_t images_seen = 0;
  for (const auto& [images, labels] : loader) {
    sizes.push_back(labels.size());
    images_seen += images.shape(0);
  }
  CHECK(sizes == c.sizes);
  CHECK(loader.size() == static_cast<std::int64_t>(c.sizes.size()));
  CHECK(loader.images_per_epoch() == images_seen);
}

TEST_CASE("an epoch shows every image once, with its own label", "[data_loader]") {
  nn::DataLoader loader(numbered_images(100), Array::arange(100, DType::int64), {.batch = 7});
  std::vector<std::int64_t> seen;
  for (const auto& [images, labels] : loader) {
    for (std::int64_t i = 0; i < labels.size(); ++i) {
      seen.push_back(labels.data<std::int64_t>()[i]);
      CHECK(images.data<float>()[i] == Approx(static_cast<double>(seen.back()) / 255));
    }
  }
  CHECK(seen != in_order(100));
  std::sort(seen.begin(), seen.end());
  CHECK(seen == in_order(100));
}

TEST_CASE("the order depends on seed and epoch alone", "[data_loader]") {
  const Array images = numbered_images(100), labels = Array::arange(100, DType::int64);
  nn::DataLoader a(images, labels, {.batch = 8, .seed = 5}), b(images, labels, {.batch = 16, .seed = 5});
  nn::DataLoader other(images, labels, {.batch = 8, .seed = 6});
  const auto first = labels_of_epoch(a), second = labels_of_epoch(a);
  CHECK(first != second);
  CHECK(labels_of_epoch(b) == first);
  CHECK(labels_of_epoch(b) == second);
  CHECK(labels_of_epoch(other) != first);
  CHECK(a.epoch() == 2);
  a.set_epoch(1);
  CHECK(labels_of_epoch(a) == second);
  CHECK_THROWS_AS(a.set_epoch(-1), ValueError);

  nn::DataLoader still(images, labels, {.batch = 8, .shuffle = false});
  CHECK(labels_of_epoch(still) == in_order(100));
  CHECK(labels_of_epoch(still) == in_order(100));
}

TEST_CASE("int32 labels become int64", "[data_loader]") {
  nn::DataLoader loader(numbered_images(3), Array::from<std::int32_t>({2, 0, 1}, {3}), {.shuffle = false});
  CHECK(identical((*loader.begin()).labels, Array::from<std::int64_t>({2, 0, 1}, {3})));
}

TEST_CASE("batches are the same for any number of threads", "[data_loader]") {
  const Array images = Array::arange(64 * 3 * 40 * 40, DType::uint8).reshape({64, 3, 40, 40});
  nn::DataLoader loader(images, Array::arange(64, DType::int64),
                        {.batch = 64, .mean = {0.3}, .deviation = {0.6}});
  const int before = num_threads();
  set_num_threads(1);
  const nn::Batch one = *loader.begin();
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    loader.set_epoch(0);
    const nn::Batch batch = *loader.begin();
    CHECK(identical(batch.images, one.images));
    CHECK(identical(batch.labels, one.labels));
  }
  set_num_threads(before);
}

TEST_CASE("batches take no new memory from the system after the first", "[data_loader]") {
  nn::DataLoader loader(numbered_images(200), Array::arange(200, DType::int64), {.batch = 10});
  CHECK(labels_of_epoch(loader).size() == 200);
  const MemoryStatistics before = memory_statistics();
  CHECK(labels_of_epoch(loader).size() == 200);
  const MemoryStatistics after = memory_statistics();
  CHECK(after.bytes_in_use == before.bytes_in_use);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(after.system_allocations == before.system_allocations);
#endif
}

TEST_CASE("wrong arguments of a DataLoader are errors", "[data_loader]") {
  const Array images = numbered_images(4), labels = Array::arange(4, DType::int64);
  CHECK_THROWS_WITH(nn::DataLoader(images, Array::arange(3, DType::int64)),
                    Contains("DataLoader: every image needs one label (4 images, 3 labels)\n"
                             "  images: uint8 [4, 1, 1]  (n, h, w)\n"
                             "  labels: int64 [3]"));
  CHECK_THROWS_AS(nn::DataLoader(images, Array::arange(3, DType::int64)), ShapeError);
  CHECK_THROWS_AS(nn::DataLoader(images.reshape({4}), labels), ShapeError);
  CHECK_THROWS_AS(nn::DataLoader(images, labels.reshape({2, 2})), ShapeError);
  CHECK_THROWS_AS(nn::DataLoader(images.astype(DType::float64), labels), DTypeError);
  CHECK_THROWS_WITH(nn::DataLoader(images, labels.astype(DType::uint8)),
                    Contains("DataLoader: labels must be int32 or int64"));
  CHECK_THROWS_AS(nn::DataLoader(images, labels.astype(DType::float32)), DTypeError);
  CHECK_THROWS_WITH(nn::DataLoader(images, labels, {.workers = -1}),
                    Contains("workers must be at least 0 (it is -1)"));
  CHECK_THROWS_WITH(nn::DataLoader(images, labels, {.workers = 1, .prefetch = 0}),
                    Contains("prefetch must be at least 1 (it is 0)"));
  CHECK_THROWS_AS(nn::DataLoader(Array{}, labels), GraphError);
  CHECK_THROWS_AS(nn::DataLoader(images, Array{}), GraphError);
  CHECK_THROWS_WITH(nn::DataLoader(images, labels, {.batch = 0}), Contains("batch must be at least 1"));
  CHECK_THROWS_WITH(nn::DataLoader(images, labels, {.mean = {0, 0}}),
                    Contains("mean must hold one number, or one for each channel (2 numbers, 1 channels)"));
  CHECK_THROWS_WITH(nn::DataLoader(images, labels, {.deviation = {0}}),
                    Contains("deviation must be finite and greater than 0 (it is 0)"));
}

TEST_CASE("a batch larger than any number of images is one batch", "[data_loader]") {
  nn::DataLoader loader(Array::zeros({5, 2, 2}, DType::uint8), Array::zeros({5}, DType::int64),
                        {.batch = std::numeric_limits<std::int64_t>::max()});
  CHECK(loader.size() == 1);
  CHECK(loader.images_per_epoch() == 5);
  std::int64_t seen = 0;
  for (const auto& [images, labels] : loader) seen += labels.size();
  CHECK(seen == 5);
}

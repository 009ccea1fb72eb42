// SPDX-License-Identifier: BSD-3-Clause
// The code of docs/data.md, word for word.
#include <fathom/fathom.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary_directory.hpp"

using namespace fathom;

namespace {

// clang-format off
nn::DataLoader training_loader(const nn::ImageSet& set, std::uint64_t seed) {
  const double mean = 0.2860, deviation = 0.3530;  // of all pixels of Fashion-MNIST's training images
  const double black = -mean / deviation;          // what 0 has become when the transforms see it
  return {set.images, set.labels,
          {.batch = 64,
           .seed = seed,
           .mean = {mean},
           .deviation = {deviation},
           .transform = nn::compose({nn::alternating_flip(),
                                     nn::random_shift(2, {black}),
                                     nn::random_erasing({.p = 0.5, .area = {0.02, 0.2}})})}};
}

/// Makes each image brighter or darker by up to most.
nn::Transform random_brightness(double most) {
  return [most](nn::Batch& batch, const nn::BatchKey& key) {
    const std::int64_t count = batch.images.shape(0), size = batch.images.size() / count;
    const Array shifts = uniform(key, {count}, -most, most, DType::float32);
    float* pixels = batch.images.mutable_data<float>();
    for (std::int64_t i = 0; i < count * size; ++i) pixels[i] += shifts.data<float>()[i / size];
  };
}

/// Writes batches of gray images (n, 1, h, w) as a picture: a row for each batch, black -1 and white 2.
void write_picture(const std::string& path, const std::vector<nn::Batch>& rows) {
  const Array first = rows.front().images;
  const std::int64_t n = first.shape(0), h = first.shape(2), w = first.shape(3);
  Array picture = Array::zeros({static_cast<std::int64_t>(rows.size()) * h, n * w}, DType::uint8);
  std::uint8_t* out = picture.mutable_data<std::uint8_t>();
  for (const nn::Batch& row : rows) {
    for (std::int64_t y = 0; y < h; ++y) {
      for (std::int64_t x = 0; x < n * w; ++x) {
        const float value = row.images.data<float>()[(x / w * h + y) * w + x % w];
        *out++ = static_cast<std::uint8_t>(std::clamp(value + 1, 0.0F, 3.0F) * 85);
      }
    }
  }
  nn::write_png(path, picture);
}
// clang-format on

nn::ImageSet little_set() {
  return {uniform({1, 2}, {200, 28, 28}, 0, 256, DType::float32).astype(DType::uint8),
          Array::zeros({200}, DType::int64)};
}

}  // namespace

TEST_CASE("the data page's loader and splits", "[data_page]") {
  const nn::ImageSet set = little_set();
  const std::uint64_t seed = 1;
  // clang-format off
  const auto [train, validation] = nn::split(set, {.validation = 0.1, .seed = seed, .stratified = true});
  nn::DataLoader batches = training_loader(train, seed);
  nn::DataLoader checks{validation.images, validation.labels,
                        {.batch = 500, .shuffle = false, .mean = {0.2860}, .deviation = {0.3530}}};
  // clang-format on
  CHECK(batches.images_per_epoch() == 180);
  CHECK(checks.images_per_epoch() == 20);
  CHECK((*batches.begin()).images.shape() == Shape{64, 1, 28, 28});
}

TEST_CASE("the data page's resumption goes on with the same batches", "[data_page]") {
  nn::DataLoader batches = training_loader(little_set(), 1);
  std::vector<Array> seen;
  // clang-format off
  std::int64_t epoch = 0, batch = 0;
  for (const auto& [images, labels] : batches) {
    seen.push_back(images);  // a step of the training
    if (++batch == 2) break;  // interrupted
  }
  batches.set_position(epoch, batch);
  for (const auto& [images, labels] : batches) seen.push_back(images);
  // clang-format on
  std::size_t i = 0;
  batches.set_epoch(0);
  for (const auto& [images, labels] : batches) CHECK(identical(images, seen.at(i++)));
  CHECK(i == seen.size());
}

TEST_CASE("the data page's own transform changes each image by its own amount", "[data_page]") {
  nn::Batch batch{Array::zeros({3, 1, 2, 2}, DType::float32), Array::zeros({3}, DType::int64)};
  random_brightness(0.5)(batch, RandomKey{1, 2});
  const float* pixels = batch.images.data<float>();
  CHECK(pixels[0] == pixels[3]);
  CHECK(pixels[0] != pixels[4]);
  CHECK(std::all_of(pixels, pixels + 12, [](float value) { return value >= -0.5F && value < 0.5F; }));
}

TEST_CASE("the data page's folder and picture", "[data_page]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "train/a";
  std::filesystem::create_directories(path);
  std::filesystem::create_directories(directory / "test/a");
  for (const char* name : {"train/a/1.png", "train/a/2.png", "test/a/1.png"}) {
    nn::write_png(directory / name, Array::full({4, 6}, 200, DType::uint8));
  }
  const std::string pictures = directory.path();
  // clang-format off
  const nn::ImageFolder train = nn::load_image_folder(pictures + "/train", {.channels = 3, .size = Pair2{32, 32}});
  const nn::ImageFolder test = nn::load_image_folder(pictures + "/test", {.channels = 3, .size = Pair2{32, 32},
                                                                          .classes = train.classes});
  // clang-format on
  CHECK(train.set.images.shape() == Shape{2, 3, 32, 32});
  CHECK(test.set.labels.size() == 1);

  nn::Batch batch{Array::full({2, 1, 2, 1}, 0.5, DType::float32), Array::zeros({2}, DType::int64)};
  batch.images.mutable_data<float>()[3] = 9;
  write_picture(directory / "x.png", {batch, batch});
  CHECK(identical(nn::read_png(directory / "x.png"),
                  Array::from<std::uint8_t>({127, 127, 127, 255, 127, 127, 127, 255}, {4, 2})));
}

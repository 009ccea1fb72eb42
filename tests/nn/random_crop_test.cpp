// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/nn/data/random_crop.hpp>

#include <catch2/catch.hpp>
#include <map>
#include <vector>

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t kImages = 900;

/// The same picture many times.
nn::Batch repeated(const std::vector<float>& picture, const Shape& shape) {
  Array images = Array::empty({kImages, shape[0], shape[1], shape[2]}, DType::float32);
  for (std::int64_t i = 0; i < kImages; ++i) {
    std::copy(picture.begin(), picture.end(), images.mutable_data<float>() + i * shape.size());
  }
  return {images, Array::zeros({kImages}, DType::int64)};
}

/// How often each picture occurs in a batch.
std::map<std::vector<float>, int> pictures(const nn::Batch& batch) {
  const std::int64_t size = batch.images.size() / kImages;
  std::map<std::vector<float>, int> counts;
  for (const float* at = batch.images.data<float>(); at != batch.images.data<float>() + batch.images.size();
       at += size) {
    ++counts[{at, at + size}];
  }
  return counts;
}

/// Every window of `size` of a picture (h, w), as random_crop should find them.
std::map<std::vector<float>, int> windows(const std::vector<std::vector<float>>& picture, Pair2 size) {
  std::map<std::vector<float>, int> counts;
  const auto height = static_cast<std::int64_t>(picture.size()),
             width = static_cast<std::int64_t>(picture[0].size());
  for (std::int64_t y = 0; y + size.y <= height; ++y) {
    for (std::int64_t x = 0; x + size.x <= width; ++x) {
      std::vector<float> window;
      for (std::int64_t row = y; row < y + size.y; ++row) {
        const auto from = picture[static_cast<std::size_t>(row)].begin() + x;
        window.insert(window.end(), from, from + size.x);
      }
      ++counts[window];
    }
  }
  return counts;
}

/// Each of the wanted windows about equally often, and no other picture.
void require_all(const nn::Batch& batch, const std::map<std::vector<float>, int>& wanted) {
  const auto got = pictures(batch);
  REQUIRE(got.size() == wanted.size());
  int places = 0;
  for (const auto& [picture, count] : wanted) places += count;
  for (const auto& [picture, count] : got) {
    REQUIRE(wanted.contains(picture));
    CHECK(count == Approx(kImages * wanted.at(picture) / places).epsilon(0.4));
  }
}

}  // namespace

TEST_CASE("random_shift moves a picture to every place within reach", "[random_crop]") {
  nn::Batch batch = repeated({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  nn::random_shift(1, {9})(batch, RandomKey{1, 2});
  CHECK(batch.images.shape() == Shape{kImages, 1, 2, 3});
  require_all(batch, windows({{9, 9, 9, 9, 9}, {9, 1, 2, 3, 9}, {9, 4, 5, 6, 9}, {9, 9, 9, 9, 9}}, {2, 3}));
}

TEST_CASE("a picture may be moved out of sight", "[random_crop]") {
  nn::Batch batch = repeated({1, 2}, {1, 1, 2});
  nn::random_shift({0, 3}, {9})(batch, RandomKey{1, 2});
  const auto got = pictures(batch);
  CHECK(got.size() == 4);
  CHECK(got.contains({9, 9}));
  CHECK(got.contains({2, 9}));
  CHECK(got.contains({9, 1}));
}

TEST_CASE("random_crop mirrors the picture at its outer pixels", "[random_crop]") {
  nn::Batch batch = repeated({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  nn::random_crop({.pad = {1, 2}, .border = nn::Border::reflect})(batch, RandomKey{1, 2});
  require_all(
      batch,
      windows({{6, 5, 4, 5, 6, 5, 4}, {3, 2, 1, 2, 3, 2, 1}, {6, 5, 4, 5, 6, 5, 4}, {3, 2, 1, 2, 3, 2, 1}},
              {2, 3}));
}

TEST_CASE("random_crop cuts out smaller pictures, and larger ones with a border", "[random_crop]") {
  nn::Batch smaller = repeated({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  nn::random_crop({.size = {1, 2}})(smaller, RandomKey{1, 2});
  CHECK(smaller.images.shape() == Shape{kImages, 1, 1, 2});
  require_all(smaller, windows({{1, 2, 3}, {4, 5, 6}}, {1, 2}));

  nn::Batch larger = repeated({1, 2, 3, 4}, {1, 2, 2});
  nn::random_crop({.size = {3, 4}, .pad = 1})(larger, RandomKey{1, 2});
  CHECK(larger.images.shape() == Shape{kImages, 1, 3, 4});
  require_all(larger, windows({{0, 0, 0, 0}, {0, 1, 2, 0}, {0, 3, 4, 0}, {0, 0, 0, 0}}, {3, 4}));
}

TEST_CASE("all channels move together, each with its own border", "[random_crop]") {
  nn::Batch batch = repeated({1, 2, 3, 4}, {2, 1, 2});
  nn::random_crop({.pad = {0, 1}, .fill = {8, 9}})(batch, RandomKey{1, 2});
  const auto got = pictures(batch);
  CHECK(got.size() == 3);
  CHECK(got.contains({8, 1, 9, 3}));
  CHECK(got.contains({1, 2, 3, 4}));
  CHECK(got.contains({2, 8, 4, 9}));
}

TEST_CASE("wrong arguments of random_crop are errors", "[random_crop]") {
  CHECK_THROWS_WITH(nn::random_crop({.pad = -1}), Contains("random_crop: pad must be at least 0"));
  CHECK_THROWS_AS(nn::random_crop({.size = {0, -1}}), ValueError);
  CHECK_THROWS_AS(nn::random_shift(1, {}), ShapeError);
  nn::Batch batch = repeated({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  const RandomKey key{1, 2};
  CHECK_THROWS_WITH(
      nn::random_crop({.size = {5, 3}, .pad = 1})(batch, key),
      Contains("random_crop: size must not exceed the image with its border (size [5, 3], pad [1, 1])\n"
               "  images: float32 [900, 1, 2, 3]  (n, c, h, w)"));
  CHECK_THROWS_WITH(nn::random_crop({.pad = 2, .border = nn::Border::reflect})(batch, key),
                    Contains("pad must be smaller than the image to reflect it (pad [2, 2])"));
  CHECK_THROWS_WITH(nn::random_crop({.fill = {1, 2, 3}})(batch, key),
                    Contains("fill must hold one number, or one for each channel (3 numbers, 1 channels)"));
  CHECK(identical(batch.images, repeated({1, 2, 3, 4, 5, 6}, {1, 2, 3}).images));
}

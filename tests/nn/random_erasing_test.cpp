// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/nn/data/random_erasing.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <utility>

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t kImages = 1000;
constexpr float kKept = 7;

nn::Batch blank(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return {Array::full({kImages, channels, height, width}, kKept, DType::float32),
          Array::zeros({kImages}, DType::int64)};
}

/// What is erased of plane number `plane`: its bounds, after a check that all within them is.
struct Erased {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
};
Erased erased(const nn::Batch& batch, std::int64_t plane) {
  const std::int64_t h = batch.images.shape(2), w = batch.images.shape(3);
  const float* pixels = batch.images.data<float>() + plane * h * w;
  std::int64_t top = h, left = w, bottom = 0, right = 0, count = 0;
  for (std::int64_t i = 0; i < h * w; ++i) {
    if (pixels[i] == kKept) continue;
    ++count;
    top = std::min(top, i / w);
    bottom = std::max(bottom, i / w + 1);
    left = std::min(left, i % w);
    right = std::max(right, i % w + 1);
  }
  if (count == 0) return {};
  REQUIRE(count == (bottom - top) * (right - left));
  return {top, left, bottom - top, right - left};
}

}  // namespace

TEST_CASE("random_erasing fills a square of a quarter of the picture anywhere", "[random_erasing]") {
  nn::Batch batch = blank(2, 4, 4);
  nn::random_erasing({.p = 1, .area = {0.25, 0.25}, .aspect = {1, 1}, .fill = {1, 2}})(batch,
                                                                                       RandomKey{1, 2});
  std::set<std::pair<std::int64_t, std::int64_t>> places;
  for (std::int64_t i = 0; i < kImages; ++i) {
    const Erased first = erased(batch, 2 * i), second = erased(batch, 2 * i + 1);
    REQUIRE((first.height == 2 && first.width == 2 && second.height == 2 && second.width == 2));
    REQUIRE((first.top == second.top && first.left == second.left));
    places.insert({first.top, first.left});
  }
  CHECK(places.size() == 9);
  const float* pixels = batch.images.data<float>();
  const std::set<float> values(pixels, pixels + batch.images.size());
  CHECK(values == std::set<float>{1, 2, kKept});
}

TEST_CASE("area, aspect and probability are within their ranges", "[random_erasing]") {
  nn::Batch batch = blank(1, 60, 40);
  nn::random_erasing({.p = 0.3, .area = {0.1, 0.3}, .aspect = {0.5, 2}})(batch, RandomKey{1, 2});
  int count = 0, tall = 0;
  double least = 1, most = 0;
  for (std::int64_t i = 0; i < kImages; ++i) {
    const Erased e = erased(batch, i);
    if (e.height == 0) continue;
    ++count;
    tall += e.height > e.width ? 1 : 0;
    const double area = static_cast<double>(e.height * e.width) / 2400;
    const double aspect = static_cast<double>(e.height) / static_cast<double>(e.width);
    least = std::min(least, area);
    most = std::max(most, area);
    REQUIRE((area > 0.09 && area < 0.32));
    REQUIRE((aspect > 0.45 && aspect < 2.2));
  }
  CHECK(count == Approx(300).margin(50));
  CHECK(tall == Approx(0.5 * count).margin(30));  // as many as are wide
  CHECK(least < 0.11);
  CHECK(most > 0.28);
}

TEST_CASE("noise has mean 0 and deviation 1, and differs between images", "[random_erasing]") {
  nn::Batch batch = blank(1, 10, 10);
  nn::random_erasing({.p = 1, .area = {1, 1}, .aspect = {1, 1}, .noise = true})(batch, RandomKey{1, 2});
  const float* pixels = batch.images.data<float>();
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < batch.images.size(); ++i) {
    sum += pixels[i];
    squares += pixels[i] * pixels[i];
  }
  const auto size = static_cast<double>(batch.images.size());
  CHECK(sum / size == Approx(0).margin(0.02));
  CHECK(squares / size == Approx(1).margin(0.02));
  CHECK(std::set<float>(pixels, pixels + batch.images.size()).size() > 99'000);
}

TEST_CASE("a rectangle that cannot fit changes nothing", "[random_erasing]") {
  nn::Batch batch = blank(1, 4, 4);
  nn::random_erasing({.p = 1, .area = {1, 1}, .aspect = {4, 4}})(batch, RandomKey{1, 2});
  CHECK(identical(batch.images, blank(1, 4, 4).images));
}

TEST_CASE("wrong arguments of random_erasing are errors", "[random_erasing]") {
  CHECK_THROWS_WITH(nn::random_erasing({.p = 2}),
                    Contains("random_erasing: p must be a probability (it is 2)"));
  CHECK_THROWS_WITH(nn::random_erasing({.area = {0.5, 0.2}}),
                    Contains("area must be a range within 0 ... 1 (it is 0.5 ... 0.2)"));
  CHECK_THROWS_AS(nn::random_erasing({.area = {-0.1, 0.2}}), ValueError);
  CHECK_THROWS_AS(nn::random_erasing({.area = {0.1, 1.2}}), ValueError);
  CHECK_THROWS_WITH(nn::random_erasing({.aspect = {0, 2}}),
                    Contains("aspect must be a range above 0 (it is 0 ... 2)"));
  CHECK_THROWS_AS(nn::random_erasing({.aspect = {1, INFINITY}}), ValueError);
  CHECK_THROWS_AS(nn::random_erasing({.fill = {}}), ShapeError);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/nn/data/flip.hpp>

#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

/// Two images of two channels, 2 x 3.
Array pictures() { return Array::arange(24, DType::float32).reshape({2, 2, 2, 3}); }

/// 200 images of 1 x 2 pixels, (i, -i - 1), so that the sign of the first tells which way round they are.
nn::DataLoader signed_images(nn::DataLoaderOptions options) {
  Array images = Array::empty({200, 1, 1, 2}, DType::float32);
  for (std::int64_t i = 0; i < 200; ++i) {
    images.mutable_data<float>()[2 * i] = static_cast<float>(i);
    images.mutable_data<float>()[2 * i + 1] = static_cast<float>(-i - 1);
  }
  return {images, Array::arange(200, DType::int64), std::move(options)};
}

/// Which images are mirrored in the next epoch.
std::vector<bool> mirrored(nn::DataLoader& loader) {
  std::vector<bool> result(200);
  for (const auto& [images, labels] : loader) {
    for (std::int64_t i = 0; i < labels.size(); ++i) {
      result[static_cast<std::size_t>(labels.data<std::int64_t>()[i])] = images.data<float>()[2 * i] < 0;
    }
  }
  return result;
}

}  // namespace

TEST_CASE("horizontal_flip reverses the rows of all channels, or leaves an image alone", "[flip]") {
  nn::Batch batch{pictures(), Array::arange(2, DType::int64)};
  nn::horizontal_flip(0)(batch, RandomKey{1, 2});
  CHECK(identical(batch.images, pictures()));
  const Array before = batch.images;
  nn::horizontal_flip(1)(batch, RandomKey{1, 2});
  CHECK(identical(batch.images, Array::from<float>({2,  1,  0,  5,  4,  3,  8,  7,  6,  11, 10, 9,
                                                    14, 13, 12, 17, 16, 15, 20, 19, 18, 23, 22, 21},
                                                   {2, 2, 2, 3})));
  // An array that shared the buffer sees nothing of it.
  CHECK(identical(before, pictures()));
}

TEST_CASE("horizontal_flip reverses rows of every length", "[flip]") {
  for (std::int64_t width = 1; width <= 40; ++width) {
    CAPTURE(width);
    nn::Batch batch{Array::arange(3 * width, DType::float32).reshape({1, 1, 3, width}),
                    Array::arange(1, DType::int64)};
    nn::horizontal_flip(1)(batch, RandomKey{1, 2});
    const float* pixels = batch.images.data<float>();
    for (std::int64_t i = 0; i < 3 * width; ++i) {
      const std::int64_t wanted = i / width * width + width - 1 - i % width;
      REQUIRE(pixels[i] == static_cast<float>(wanted));
    }
  }
}

TEST_CASE("horizontal_flip takes about the share p, others in each epoch", "[flip]") {
  const double p = GENERATE(0.25, 0.5);
  nn::DataLoader loader = signed_images({.batch = 16, .transform = nn::horizontal_flip(p)});
  const std::vector<bool> first = mirrored(loader), second = mirrored(loader);
  CHECK(std::count(first.begin(), first.end(), true) == Approx(200 * p).margin(25));
  CHECK(first != second);
}

TEST_CASE("alternating_flip shows the other side in each epoch", "[flip]") {
  nn::DataLoader loader = signed_images({.batch = 16, .seed = 3, .transform = nn::alternating_flip()});
  const std::vector<bool> first = mirrored(loader), second = mirrored(loader), third = mirrored(loader);
  CHECK(std::count(first.begin(), first.end(), true) == Approx(100).margin(25));
  CHECK(third == first);
  for (std::size_t i = 0; i < first.size(); ++i) REQUIRE(second[i] != first[i]);

  // The seed alone decides: not the size of batches, nor whether it stands by itself.
  nn::DataLoader other =
      signed_images({.batch = 50,
                     .seed = 3,
                     .workers = 2,
                     .transform = nn::compose({nn::horizontal_flip(0), nn::alternating_flip()})});
  CHECK(mirrored(other) == first);
  nn::DataLoader seeded = signed_images({.batch = 16, .seed = 4, .transform = nn::alternating_flip()});
  CHECK(mirrored(seeded) != first);
}

TEST_CASE("wrong arguments of the flips are errors", "[flip]") {
  CHECK_THROWS_WITH(nn::horizontal_flip(1.5),
                    Contains("horizontal_flip: p must be a probability (it is 1.5)"));
  CHECK_THROWS_AS(nn::horizontal_flip(-0.1), ValueError);
  nn::Batch batch{pictures(), Array::arange(2, DType::int64)};
  CHECK_THROWS_AS(nn::alternating_flip()(batch, RandomKey{1, 2}), GraphError);
  CHECK_THROWS_WITH(nn::alternating_flip()(batch, nn::BatchKey({1, 2}, 0, Array::arange(3, DType::int64))),
                    Contains("alternating_flip: every image needs its number (2 images, 3 numbers)"));
  batch.images = batch.images.reshape({2, 12});
  CHECK_THROWS_WITH(nn::horizontal_flip()(batch, RandomKey{1, 2}),
                    Contains("horizontal_flip: images must have 4 axes"));
  batch.images = Array::zeros({2, 1, 1, 1}, DType::float64);
  CHECK_THROWS_AS(nn::horizontal_flip()(batch, RandomKey{1, 2}), DTypeError);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/error.hpp>
#include <fathom/nn/data/resize.hpp>

#include <catch2/catch.hpp>

using namespace fathom;
using Catch::Matchers::Contains;

TEST_CASE("resize is bilinear where images grow", "[resize]") {
  // Centres of the result lie at 0.25, 0.75, 1.25, 1.75: beyond the outer centres the outer pixel counts.
  const Array grown = nn::resize(Array::from<float>({0, 8}, {1, 1, 1, 2}), {1, 4});
  CHECK(allclose(grown, Array::from<float>({0, 2, 6, 8}, {1, 1, 1, 4}), 1e-6));
  const Array both = nn::resize(Array::from<float>({0, 4, 8, 12}, {2, 2}), 4);
  CHECK(
      allclose(both, Array::from<float>({0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12}, {4, 4}), 1e-6));
}

TEST_CASE("resize leaves no pixel out where images shrink", "[resize]") {
  // To half the size each pixel takes 1/8, 3/8, 3/8, 1/8 of four; at the border what there is of them.
  const Array shrunk = nn::resize(Array::from<float>({8, 0, 0, 16, 0, 0}, {1, 1, 6, 1}), {3, 1});
  CHECK(allclose(shrunk, Array::from<float>({24.0F / 7, 6, 16.0F / 7}, {1, 1, 3, 1}), 1e-6));
  CHECK(
      allclose(nn::resize(Array::from<float>({1, 2, 3}, {1, 3}), 1), Array::from<float>({2}, {1, 1}), 1e-6));
}

TEST_CASE("bytes are rounded to the nearest, and a flat picture stays flat", "[resize]") {
  CHECK(identical(nn::resize(Array::from<std::uint8_t>({0, 2, 3, 255}, {1, 4}), {1, 8}),
                  Array::from<std::uint8_t>({0, 1, 2, 2, 3, 66, 192, 255}, {1, 8})));
  for (const std::int64_t size : {1, 3, 7, 10, 31}) {
    CAPTURE(size);
    CHECK(identical(nn::resize(Array::full({2, 3, 10, 10}, 255, DType::uint8), {size, 10}),
                    Array::full({2, 3, size, 10}, 255, DType::uint8)));
  }
}

TEST_CASE("resize treats planes alike and leaves an image of that size alone", "[resize]") {
  const Array images = uniform({1, 2}, {2, 3, 5, 4}, 0, 1, DType::float32);
  const Array all = nn::resize(images, {3, 6});
  CHECK(all.shape() == Shape{2, 3, 3, 6});
  for (std::int64_t i = 0; i < 6; ++i) {
    const Array plane = Array::from(std::span(images.data<float>() + i * 20, 20), {5, 4});
    CHECK(
        identical(nn::resize(plane, {3, 6}), Array::from(std::span(all.data<float>() + i * 18, 18), {3, 6})));
  }
  CHECK(nn::resize(images, {5, 4}).shares_buffer_with(images));
  nn::Batch batch{images, Array::arange(2, DType::int64)};
  nn::resize(Pair2{3, 6})(batch, RandomKey{1, 2});
  CHECK(identical(batch.images, all));
}

TEST_CASE("wrong arguments of resize are errors", "[resize]") {
  CHECK_THROWS_WITH(nn::resize(Array::zeros({2, 2}, DType::float64), 3),
                    Contains("resize: images must be uint8 or float32"));
  CHECK_THROWS_AS(nn::resize(Array::zeros({2}, DType::float32), 3), ShapeError);
  CHECK_THROWS_AS(nn::resize(Array::zeros({0, 2}, DType::float32), 3), ShapeError);
  CHECK_THROWS_WITH(nn::resize(Pair2{0, 3}), Contains("resize: size must be at least 1"));
  CHECK_THROWS_AS(nn::resize(Array::zeros({2, 2}, DType::float32), {3, 0}), ValueError);
  CHECK_THROWS_AS(nn::resize(Array{}, 3), GraphError);
}

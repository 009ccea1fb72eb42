// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/im2col.hpp>

#include <support/tolerance.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/shape.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("im2col times the weights is the convolution", "[im2col]") {
  const auto option = GENERATE(
      values<ops::Im2ColOptions>({{},
                                  {.kernel = {2, 3}, .stride = {1, 2}, .pad = {1, 0}},
                                  {.kernel = {3, 1}, .stride = 3, .pad = {0, 2}, .dilation = {2, 1}},
                                  {.kernel = 2, .stride = 3, .pad = 1, .cover_all = true},
                                  {.kernel = {1, 3}, .stride = 4, .dilation = 2, .cover_all = true}}));
  const Variable x{uniform({1, 0}, {2, 3, 7, 8}, -1, 1, DType::float64), true};
  const Variable W{uniform({1, 1}, {4, 3, option.kernel.y, option.kernel.x}, -1, 1, DType::float64)};
  const Variable expected = ops::convolution_2d(x, W, {},
                                                {.stride = option.stride,
                                                 .pad = option.pad,
                                                 .dilation = option.dilation,
                                                 .cover_all = option.cover_all});
  const Variable columns = ops::im2col(x, option);
  REQUIRE(columns.shape() ==
          Shape{2, 3 * option.kernel.y * option.kernel.x, expected.shape(2), expected.shape(3)});
  const Variable flat = ops::reshape(ops::transpose(columns, Axes{0, 2, 3, 1}), {-1, columns.shape(1)});
  const Variable products = ops::linear(flat, ops::reshape(W, {4, -1}));
  const Variable y =
      ops::transpose(ops::reshape(products, {2, expected.shape(2), expected.shape(3), 4}), Axes{0, 3, 1, 2});
  const double tolerance = 30 * test::sum_tolerance(DType::float64, 27);
  CHECK(allclose(y.data(), expected.data(), 0, tolerance));
  // col2im is the gradient.
  const Variable gy{uniform({1, 2}, columns.shape(), -1, 1, DType::float64)};
  CHECK(allclose(ops::col2im(gy, {7, 8}, option).data(), grad({columns}, {x}, {gy})[0].data(), 0, tolerance));
}

TEST_CASE("im2col has a channel's taps one after the other", "[im2col]") {
  const Variable x{Array::arange(8, DType::float32).reshape({1, 2, 2, 2})};
  const Array y = ops::im2col(x, {.kernel = {1, 2}, .pad = {0, 1}}).data();
  CHECK(identical(y,
                  Array::from<float>({0, 0, 1, 0, 2, 3, 0, 1, 0, 2, 3, 0, 0, 4, 5, 0, 6, 7, 4, 5, 0, 6, 7, 0},
                                     {1, 4, 2, 3})));
}

TEST_CASE("im2col and col2im refuse what does not fit", "[im2col][errors]") {
  const Variable x{Array::zeros({1, 2, 4, 4}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::im2col(x, {.kernel = {3, 5}}), ShapeError,
                       Message("im2col: a window must fit the padded image (image [4, 4], kernel [3, 5], "
                               "dilation [1, 1], pad [0, 0])\n  x: float32 [1, 2, 4, 4]  (n, c, h, w)\n"
                               "  hint: make the kernel smaller or the pad larger"));
  CHECK_THROWS_MATCHES(ops::col2im(x, {4, 5}, {.kernel = {1, 3}}), ShapeError,
                       Message("col2im: x must have the shape [n, c*3, 4, 3] (it has [1, 2, 4, 4])\n"
                               "  x: float32 [1, 2, 4, 4]  (n, c*kH*kW, hO, wO)\n"
                               "  hint: x must be what im2col gives, with the same options, of an image of "
                               "that size"));
  CHECK_THROWS_AS(ops::im2col(x, {.kernel = 0}), ValueError);
  CHECK_THROWS_AS(ops::im2col(x, {.kernel = std::int64_t{1} << 60, .dilation = 1 << 20}), ValueError);
  CHECK_THROWS_AS(ops::im2col(x, {.stride = 0}), ValueError);
  CHECK_THROWS_AS(ops::im2col(x, {.pad = -1}), ValueError);
  CHECK_THROWS_AS(ops::im2col(x, {.dilation = 0}), ValueError);
  CHECK_THROWS_AS(ops::col2im(x, {-1, 4}), ValueError);
}

// SPDX-License-Identifier: BSD-3-Clause
// Means over windows of any rank, without the border, and over bins.
#include <support/tolerance.hpp>

#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/average_pooling_nd.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Variable random(const Shape& shape, DType dtype = DType::float64) {
  return Variable(uniform({3, 1}, shape, -1, 1, dtype), true);
}

bool close(const Variable& a, const Variable& b) {
  return a.shape() == b.shape() && allclose(a.data(), b.data(), 0, test::sum_tolerance(a.dtype(), 64), true);
}

}  // namespace

TEST_CASE("average_pooling_nd of images is average_pooling_2d", "[average_pooling_nd]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const bool count = GENERATE(true, false);
  const Variable x = random({2, 3, 7, 6}, dtype);
  const Variable nd = ops::average_pooling_nd(
      x, {.kernel = {3, 2}, .stride = {2, 1}, .pad = {2, 1}, .count_include_pad = count});
  const Variable images = ops::average_pooling_2d(
      x, {.kernel = {3, 2}, .stride = Pair2{2, 1}, .pad = {2, 1}, .count_include_pad = count});
  CHECK(close(nd, images));
  const Variable gy(uniform({3, 2}, nd.shape(), -1, 1, dtype));
  CHECK(close(grad({nd}, {x}, {gy})[0], grad({images}, {x}, {gy})[0]));
}

TEST_CASE("without count_include_pad the sum is divided by the pixels inside",
          "[average_pooling_nd][pooling_2d]") {
  const Variable x = random({2, 3, 7, 6});
  const Variable ones(Array::ones(x.shape(), x.dtype()));
  for (const Pad pad : {Pad(1), Pad(1, 0), Pad::same}) {
    ops::AveragePooling2DOptions options{.kernel = {3, 2}, .stride = 2, .pad = pad};
    const Variable sums = ops::average_pooling_2d(x, options) / ops::average_pooling_2d(ones, options);
    options.count_include_pad = false;
    INFO(to_string(pad));
    CHECK(close(ops::average_pooling_2d(x, options), sums));
  }
  // Without a border there is nothing to leave out.
  const Variable plain = ops::average_pooling_2d(x, {.count_include_pad = false});
  CHECK(identical(plain.data(), ops::average_pooling_2d(x).data()));
}

TEST_CASE("average_pooling_nd over one and three axes", "[average_pooling_nd]") {
  const Variable line(Array::from({1.0, 2.0, 4.0, 8.0}, {1, 1, 4}));
  const auto pooled = [&](const ops::AveragePoolingNDOptions& options) {
    return ops::average_pooling_nd(line, options).data();
  };
  CHECK(identical(pooled({}), Array::from({1.5, 6.0}, {1, 1, 2})));
  CHECK(identical(pooled({.kernel = {4}, .stride = {2}, .pad = {2}}),
                  Array::from({0.75, 3.75, 3.0}, {1, 1, 3})));
  CHECK(identical(pooled({.kernel = {4}, .stride = {2}, .pad = {2}, .count_include_pad = false}),
                  Array::from({1.5, 3.75, 6.0}, {1, 1, 3})));
  // A window that sees nothing: the mean of nothing.
  const Array beyond = pooled({.kernel = {1}, .stride = {5}, .pad = {1}, .count_include_pad = false});
  CHECK(beyond.shape() == Shape{1, 1, 2});
  CHECK(std::isnan(beyond.data<double>()[0]));

  const Variable x = random({2, 3, 4, 6, 5});
  const Variable whole = ops::average_pooling_nd(x, {.kernel = {4, 6, 5}});
  CHECK(close(whole, ops::mean(x, {.axis = Axes{2, 3, 4}, .keepdims = true})));
}

TEST_CASE("adaptive_average_pooling_2d takes means over its bins", "[pooling_2d]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x = random({2, 3, 7, 5}, dtype);
  const Array doubles = x.data().astype(DType::float64);
  for (const Pair2 size : {Pair2{1}, Pair2{2, 3}, Pair2{7, 5}, Pair2{9, 2}}) {
    const Variable y = ops::adaptive_average_pooling_2d(x, size);
    REQUIRE(y.shape() == Shape{2, 3, size.y, size.x});
    Array wanted = Array::zeros(y.shape(), DType::float64);
    double* at = wanted.mutable_data<double>();
    for (std::int64_t plane = 0; plane < 6; ++plane) {
      for (std::int64_t i = 0; i < size.y; ++i) {
        for (std::int64_t j = 0; j < size.x; ++j, ++at) {
          std::int64_t pixels = 0;
          for (auto r = static_cast<std::int64_t>(
                   std::floor(7.0 * static_cast<double>(i) / static_cast<double>(size.y)));
               static_cast<double>(r) <
               std::ceil(7.0 * static_cast<double>(i + 1) / static_cast<double>(size.y));
               ++r) {
            for (std::int64_t c = j * 5 / size.x; c < ((j + 1) * 5 + size.x - 1) / size.x; ++c, ++pixels)
              *at += doubles.data<double>()[(plane * 7 + r) * 5 + c];
          }
          *at /= static_cast<double>(pixels);
        }
      }
    }
    INFO(to_string(size));
    CHECK(allclose(y.data().astype(DType::float64), wanted, 0, test::sum_tolerance(dtype, 35)));
  }
  CHECK(close(ops::adaptive_average_pooling_2d(x, 1), ops::mean(x, {.axis = Axes{2, 3}, .keepdims = true})));
}

TEST_CASE("means over windows say what they refuse", "[average_pooling_nd][errors]") {
  const Variable x(Array::ones({1, 1, 3, 4}, DType::float32));
  const std::string line = "\n  x: float32 [1, 1, 3, 4]  (n, c, d1, ...)";
  CHECK_THROWS_MATCHES(ops::average_pooling_nd(x, {.kernel = {1, 2, 3}}), ValueError,
                       Message("average_pooling_nd: kernel must have 1 or 2 numbers (it has 3)" + line +
                               "\n  hint: give one number for each axis after n and c, or one for all"));
  CHECK_THROWS_MATCHES(
      ops::average_pooling_nd(x, {.kernel = {3, 7}, .pad = {1}}), ShapeError,
      Message("average_pooling_nd: a window must fit the padded x (axis 3 has 4, kernel 7, pad 1)" + line +
              "\n  hint: make the kernel smaller or the pad larger"));
  CHECK_THROWS_MATCHES(ops::average_pooling_nd(Variable(Array::ones({3, 4}, DType::float32))), ShapeError,
                       Message("average_pooling_nd: x must have at least 3 axes (n, c, d1, ...) (it has 2)\n"
                               "  x: float32 [3, 4]  (n, c, d1, ...)\n"
                               "  hint: a window moves over the axes after n and c"));
  CHECK_THROWS_WITH(ops::average_pooling_nd(x, {.stride = {0}}),
                    Catch::StartsWith("average_pooling_nd: stride must be at least 1"));
  CHECK_THROWS_MATCHES(ops::adaptive_average_pooling_2d(x, {0, 2}), ValueError,
                       Message("adaptive_average_pooling_2d: size must be at least 1 (it is [0, 2])\n"
                               "  x: float32 [1, 1, 3, 4]  (n, c, h, w)\n"
                               "  hint: it is that of the result; 1 takes the mean of all pixels"));
  CHECK_THROWS_MATCHES(
      ops::adaptive_average_pooling_2d(Variable(Array::ones({1, 1, 0, 4}, DType::float32)), 2), ShapeError,
      Message("adaptive_average_pooling_2d: x must have at least one pixel (it has [0, 4])\n"
              "  x: float32 [1, 1, 0, 4]  (n, c, h, w)\n"
              "  hint: only the first two axes of x may be empty; look where x is made"));
}

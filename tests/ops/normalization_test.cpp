// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/normalization.hpp>

#include <support/tolerance.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Variable ones(const Shape& shape, DType dtype = DType::float32) {
  return Variable(Array::ones(shape, dtype));
}

/// Rows of m elements each with mean 0 and variance 1, in double.
std::vector<double> standardized(const Array& x, std::int64_t m, double eps) {
  const Array values = x.astype(DType::float64);
  std::vector<double> result(values.data<double>(), values.data<double>() + values.size());
  const auto length = static_cast<std::size_t>(m);
  for (std::size_t begin = 0; begin < result.size(); begin += length) {
    double mean = 0;
    for (std::size_t i = 0; i < length; ++i) mean += result[begin + i] / static_cast<double>(m);
    double variance = 0;
    for (std::size_t i = 0; i < length; ++i)
      variance += (result[begin + i] - mean) * (result[begin + i] - mean) / static_cast<double>(m);
    for (std::size_t i = 0; i < length; ++i)
      result[begin + i] = (result[begin + i] - mean) / std::sqrt(variance + eps);
  }
  return result;
}

/// Checks y = gamma * standardized x + beta; element i of x belongs to number of(i) of gamma and beta.
template <class Of>
void check_affine(const Array& y, const Array& x, std::int64_t m, double eps, const Array& gamma,
                  const Array& beta, Of of) {
  const std::vector<double> xhat = standardized(x, m, eps);
  const Array got = y.astype(DType::float64);
  const Array scale = gamma.astype(DType::float64);
  const Array offset = beta.astype(DType::float64);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const double wanted =
        scale.data<double>()[of(i)] * xhat[static_cast<std::size_t>(i)] + offset.data<double>()[of(i)];
    CHECK(std::abs(got.data<double>()[i] - wanted) <= 16 * test::element_tolerance(x.dtype()));
  }
}

/// The definition in plain loops, in double: window of channels [c - before, c + after].
Array response(const Array& x, std::int64_t before, std::int64_t after, double k, double alpha, double beta) {
  const std::int64_t channels = x.shape(1);
  const std::int64_t inner = x.size() / x.shape(0) / channels;
  Array y = x.copy();
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t c = i / inner % channels;
    double sum = 0;
    for (std::int64_t j = std::max<std::int64_t>(0, c - before); j <= std::min(channels - 1, c + after);
         ++j) {
      const double value = x.data<double>()[i + (j - c) * inner];
      sum += value * value;
    }
    y.mutable_data<double>()[i] = x.data<double>()[i] / std::pow(k + alpha * sum, beta);
  }
  return y;
}

}  // namespace

TEST_CASE("layer_normalization over the axes of gamma", "[normalization]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto [x_shape, gamma_shape] = GENERATE(table<Shape, Shape>({
      {{3, 5}, {5}},
      {{2, 3, 70}, {70}},
      {{2, 3, 5}, {3, 5}},
      {{2, 3, 5}, {2, 3, 5}},
      {{4, 1}, {1}},
      {{6}, {6}},
  }));
  INFO(to_string(x_shape) << " " << to_string(gamma_shape) << " " << dtype);
  const Array x = normal({1, 0}, x_shape, 0.5, 2, dtype);
  const Array gamma = uniform({1, 1}, gamma_shape, 0.5, 1.5, dtype);
  const Array beta = uniform({1, 2}, gamma_shape, -1, 1, dtype);
  const Variable y = ops::layer_normalization(Variable(x), Variable(gamma), Variable(beta), {.eps = 0.1});
  check_affine(y.data(), x, gamma.size(), 0.1, gamma, beta, [&](std::int64_t i) { return i % gamma.size(); });
}

TEST_CASE("group_normalization of neighbouring channels", "[normalization]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Shape shape = GENERATE(Shape{3, 6}, Shape{2, 6, 5}, Shape{2, 6, 3, 4}, Shape{1, 6, 2, 3, 4});
  const std::int64_t groups = GENERATE(1, 2, 6);
  INFO(to_string(shape) << " " << groups << " " << dtype);
  const Array x = normal({1, 0}, shape, 0.5, 2, dtype);
  const Array gamma = uniform({1, 1}, {6}, 0.5, 1.5, dtype);
  const Array beta = uniform({1, 2}, {6}, -1, 1, dtype);
  const Variable y =
      ops::group_normalization(Variable(x), groups, Variable(gamma), Variable(beta), {.eps = 0.1});
  const std::int64_t inner = x.size() / shape[0] / 6;
  check_affine(y.data(), x, 6 / groups * inner, 0.1, gamma, beta,
               [&](std::int64_t i) { return i / inner % 6; });
}

TEST_CASE("layer_normalization survives a large mean with a small deviation", "[normalization]") {
  // 4096 +- 1/16: exact in float32, and the deviation is 1/16.
  const Array x = Array::from({4096.0625F, 4095.9375F, 4096.0625F, 4095.9375F}, {1, 4});
  const Variable y = ops::layer_normalization(Variable(x), ones({4}),
                                              Variable(Array::zeros({4}, DType::float32)), {.eps = 0});
  CHECK(allclose(y.data(), Array::from({1.0F, -1.0F, 1.0F, -1.0F}, {1, 4}), 1e-6, 0));
}

TEST_CASE("one element in a row gives beta and no gradient", "[normalization]") {
  const Variable x(Array::from({3.0, -5.0}, {1, 2}), true);
  const Variable gamma(Array::from({2.0, 3.0}, {2}), true);
  const Variable beta(Array::from({0.5, 0.25}, {2}), true);
  const Variable y = ops::group_normalization(x, 2, gamma, beta);
  CHECK(identical(y.data(), Array::from({0.5, 0.25}, {1, 2})));
  const Variables gs = grad({y}, {x, gamma}, {ones({1, 2}, DType::float64)});
  CHECK(allclose(gs[0].data(), Array::zeros({1, 2}, DType::float64), 0, 0));
  CHECK(allclose(gs[1].data(), Array::zeros({2}, DType::float64), 0, 0));
}

TEST_CASE("local_response_normalization, Chainer's window and PyTorch's", "[normalization]") {
  const std::int64_t n = GENERATE(1, 2, 3, 4, 5, 9, 100);
  const Shape shape = GENERATE(Shape{2, 7}, Shape{2, 7, 3}, Shape{1, 7, 2, 3});
  const Array x = normal({2, 0}, shape, 0, 2, DType::float64);
  INFO("n " << n << " " << to_string(shape));
  const Variable sum =
      ops::local_response_normalization(Variable(x), {.n = n, .k = 1.5, .alpha = 0.3, .beta = 0.6});
  CHECK(allclose(sum.data(), response(x, n / 2, n / 2, 1.5, 0.3, 0.6), 1e-13, 0));
  const Variable mean = ops::local_response_normalization(
      Variable(x), {.n = n, .k = 1.5, .alpha = 0.3, .beta = 0.6, .scale = ops::ResponseScale::mean});
  CHECK(allclose(mean.data(), response(x, n / 2, (n - 1) / 2, 1.5, 0.3 / static_cast<double>(n), 0.6), 1e-13,
                 0));
}

TEST_CASE("local_response_normalization's defaults are Chainer's", "[normalization]") {
  const Array x = normal({2, 1}, {2, 7, 3}, 0, 30, DType::float64);
  CHECK(allclose(ops::local_response_normalization(Variable(x)).data(), response(x, 2, 2, 2, 1e-4, 0.75),
                 1e-13, 0));
}

TEST_CASE("normalize of a vector of zeros: y is 0 and gx is gy / eps, in all orders a number",
          "[normalization]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x(Array::from({0.0, 3.0, 0.0, 4.0}, {2, 2}).astype(dtype), true);
  const Variable gy(Array::from({2.0, 1.0, -3.0, 0.0}, {2, 2}).astype(dtype), true);
  const Variable y = ops::normalize(x, {.axis = Axes{0}, .eps = 0.5});
  CHECK(allclose(y.data(), Array::from({0.0, 3 / 5.5, 0.0, 4 / 5.5}, {2, 2}).astype(dtype), 1e-6, 0));
  const Variable gx = grad({y}, {x}, {gy}, {.create_graph = true})[0];
  CHECK(gx.data().astype(DType::float64).data<double>()[0] == 4);
  CHECK(gx.data().astype(DType::float64).data<double>()[2] == -6);
  const Variables second = grad({gx}, {x, gy}, {ones({2, 2}, dtype)});
  const Array of_x = second[0].data().astype(DType::float64);
  const Array of_gy = second[1].data().astype(DType::float64);
  CHECK(of_x.data<double>()[0] == 0);
  CHECK(of_x.data<double>()[2] == 0);
  CHECK(of_gy.data<double>()[0] == 2);
  CHECK(of_gy.data<double>()[2] == 2);
  CHECK(std::isfinite(of_x.data<double>()[1]));
}

TEST_CASE("normalize along several axes and along all", "[normalization]") {
  const Variable x(Array::from({1.0, 2.0, 2.0, 4.0, 0.0, 3.0, 0.0, 4.0}, {2, 2, 2}));
  CHECK(allclose(ops::normalize(x, {.axis = Axes{-1, 1}, .eps = 0}).data(),
                 Array::from({0.2, 0.4, 0.4, 0.8, 0.0, 0.6, 0.0, 0.8}, {2, 2, 2}), 1e-15, 0));
  CHECK(allclose(ops::normalize(x, {.axis = std::nullopt, .eps = 0}).data(), (x / std::sqrt(50.0)).data(),
                 1e-15, 0));
}

TEST_CASE("normalizations refuse what does not fit", "[normalization][errors]") {
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::layer_normalization(ones({2, 3, 4}), ones({3}), ones({3}))), ShapeError,
      Message("layer_normalization: gamma must have the shape [4], that of the last axes of x (it has [3])\n"
              "  x:     float32 [2, 3, 4]  (n..., d...)\n"
              "  gamma: float32 [3]        (d...)\n"
              "  beta:  float32 [3]        (d...)\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::layer_normalization(ones({3}), ones({2, 3}), ones({2, 3}))), ShapeError,
      Message("layer_normalization: gamma must have from 1 to 1 axes, as many as x (it has 2)\n"
              "  x:     float32 [3]     (n..., d...)\n"
              "  gamma: float32 [2, 3]  (d...)\n"
              "  beta:  float32 [2, 3]  (d...)\n"
              "  hint: gamma has the shape of the axes of x that are normalized, the last ones"));
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::layer_normalization(ones({2, 3}), ones({3}), ones({3}, DType::float64))),
      DTypeError,
      Message("layer_normalization: beta must have the dtype of x (x is float32, beta is float64)\n"
              "  x:     float32 [2, 3]  (n..., d...)\n"
              "  gamma: float32 [3]     (d...)\n"
              "  beta:  float64 [3]     (d...)\n"
              "  hint: types are never mixed silently; convert one with astype(DType::float32)"));
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::layer_normalization(ones({2, 3}), ones({3}), ones({3}), {.eps = -1})),
      ValueError,
      Message("layer_normalization: eps must be at least 0 (it is -1)\n"
              "  x:     float32 [2, 3]  (n..., d...)\n"
              "  gamma: float32 [3]     (d...)\n"
              "  beta:  float32 [3]     (d...)\n"
              "  hint: eps keeps what is divided by away from 0; 1e-5 is usual"));
  CHECK_THROWS_MATCHES(
      static_cast<void>(ops::group_normalization(ones({2, 6, 4}), 4, ones({6}), ones({6}))), ValueError,
      Message("group_normalization: groups must divide the channels of x (x has 6, groups is 4)\n"
              "  x:     float32 [2, 6, 4]  (n, c, d...)\n"
              "  gamma: float32 [6]        (c)\n"
              "  beta:  float32 [6]        (c)\n"
              "  hint: groups of neighbouring channels have all the same size"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::group_normalization(ones({2, 6}), 0, ones({6}), ones({6}))),
                       ValueError,
                       Message("group_normalization: groups must be at least 1 (it is 0)\n"
                               "  x:     float32 [2, 6]  (n, c, d...)\n"
                               "  gamma: float32 [6]     (c)\n"
                               "  beta:  float32 [6]     (c)\n"
                               "  hint: 1 normalizes all channels of a sample together"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::local_response_normalization(ones({3}))), ShapeError,
                       Message("local_response_normalization: x must have at least 2 axes (it has 1)\n"
                               "  x: float32 [3]  (n, c, d...)\n"
                               "  hint: axis 1 holds the channels"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::local_response_normalization(ones({2, 3}), {.n = 0})),
                       ValueError,
                       Message("local_response_normalization: n must be at least 1 (it is 0)\n"
                               "  x: float32 [2, 3]  (n, c, d...)\n"
                               "  hint: it is the number of channels in a window"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::normalize(ones({2, 3}), {.axis = Axes{2}})), ValueError,
                       Message("normalize: axis must lie in [-2, 1] (it is 2)\n"
                               "  x: float32 [2, 3]\n"
                               "  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::normalize(ones({2, 3}), {.eps = -0.5})), ValueError,
                       Message("normalize: eps must be at least 0 (it is -0.5)\n"
                               "  x: float32 [2, 3]\n"
                               "  hint: eps keeps what is divided by away from 0; 1e-5 is usual"));
}

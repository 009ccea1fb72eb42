// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization.hpp>

#include <support/op_table.hpp>
#include <support/restore.hpp>
#include <support/tolerance.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>

using namespace fathom;

namespace {

struct Reference {
  std::vector<double> y, gx, ggamma, gbeta, mean, variance;
};

/// The definition in plain loops over x seen as (outer, channels, inner), all in double.
Reference reference(const std::vector<double>& x, const std::vector<double>& gamma,
                    const std::vector<double>& beta, const std::vector<double>& gy, std::size_t outer,
                    std::size_t inner, double eps) {
  const std::size_t channels = gamma.size();
  const double m = static_cast<double>(outer * inner);
  Reference r;
  r.y.resize(x.size());
  r.gx.resize(x.size());
  for (std::size_t c = 0; c < channels; ++c) {
    const auto each = [&](auto f) {
      for (std::size_t o = 0; o < outer; ++o) {
        for (std::size_t i = 0; i < inner; ++i) f((o * channels + c) * inner + i);
      }
    };
    double mean = 0;
    each([&](std::size_t i) { mean += x[i] / m; });
    double variance = 0;
    each([&](std::size_t i) { variance += (x[i] - mean) * (x[i] - mean) / m; });
    const double s = 1 / std::sqrt(variance + eps);
    double sum_gy = 0;
    double sum_gy_xhat = 0;
    each([&](std::size_t i) {
      sum_gy += gy[i];
      sum_gy_xhat += gy[i] * (x[i] - mean) * s;
    });
    each([&](std::size_t i) {
      const double xhat = (x[i] - mean) * s;
      r.y[i] = gamma[c] * xhat + beta[c];
      r.gx[i] = gamma[c] * s * (gy[i] - sum_gy / m - xhat * sum_gy_xhat / m);
    });
    r.mean.push_back(mean);
    r.variance.push_back(variance);
    r.ggamma.push_back(sum_gy_xhat);
    r.gbeta.push_back(sum_gy);
  }
  return r;
}

std::vector<double> values(const Array& array) {
  const Array doubles = array.astype(DType::float64);
  return {doubles.data<double>(), doubles.data<double>() + doubles.size()};
}

double largest_difference(const Array& got, const std::vector<double>& wanted) {
  REQUIRE(got.size() == static_cast<std::int64_t>(wanted.size()));
  const std::vector<double> doubles = values(got);
  double result = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) result = std::max(result, std::abs(doubles[i] - wanted[i]));
  return result;
}

struct Trained {
  Array y, gx, ggamma, gbeta, mean, variance;
};

/// Forward and backward with running statistics that start at 0 and take the batch's (decay 0).
Trained train(const Array& x, const Array& gamma, const Array& beta, const Array& gy,
              const std::optional<Axes>& axis = std::nullopt) {
  const Variable xv(x, true);
  const Variable gv(gamma, true);
  const Variable bv(beta, true);
  ops::RunningStatistics running{Array::zeros(gamma.shape(), x.dtype()),
                                 Array::zeros(gamma.shape(), x.dtype())};
  const Variable y = ops::batch_normalization(xv, gv, bv, &running, {.decay = 0, .axis = axis});
  const Variables gs = grad({y}, {xv, gv, bv}, {Variable(gy)});
  return {y.data(), gs[0].data(), gs[1].data(), gs[2].data(), running.mean, running.variance};
}

}  // namespace

TEST_CASE("batch_normalization of four numbers", "[batch_normalization]") {
  // Mean 2.5, biased variance 1.25, eps 1.0: deviation 1.5; unbiased variance 5/3.
  ops::RunningStatistics running{Array::from({10.0}, {1}), Array::from({4.0}, {1})};
  const Variable y = ops::batch_normalization(
      Variable(Array::from({1.0, 2.0, 3.0, 4.0}, {4, 1})), Variable(Array::from({3.0}, {1})),
      Variable(Array::from({0.5}, {1})), &running, {.eps = 1.0, .decay = 0.75});
  CHECK(allclose(y.data(), Array::from({-2.5, -0.5, 1.5, 3.5}, {4, 1}), 1e-15, 1e-15));
  CHECK(running.mean.item() == Approx(0.75 * 10 + 0.25 * 2.5).epsilon(1e-15));
  CHECK(running.variance.item() == Approx(0.75 * 4 + 0.25 * 5 / 3).epsilon(1e-15));
}

TEST_CASE("batch_normalization agrees with the definition over odd sizes", "[batch_normalization]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  set_isa(isa);
  const auto [x_shape, axis, outer, channels, inner] =
      GENERATE(table<Shape, std::optional<Axes>, int, int, int>({
          {{1, 1, 1, 1}, std::nullopt, 1, 1, 1},
          {{2, 3, 1, 1}, std::nullopt, 2, 3, 1},
          {{3, 5, 7, 9}, std::nullopt, 3, 5, 63},
          {{9, 2, 2, 2}, std::nullopt, 9, 2, 4},
          {{600, 3, 1, 2}, std::nullopt, 600, 3, 2},
          {{40, 70, 3, 3}, std::nullopt, 40, 70, 9},
          {{6, 5, 3, 5}, std::nullopt, 6, 5, 15},
          {{6, 5, 4, 4}, std::nullopt, 6, 5, 16},
          {{2, 2, 31, 33}, std::nullopt, 2, 2, 1023},
          {{1, 1, 17, 16}, std::nullopt, 1, 1, 272},
          {{7, 4}, std::nullopt, 7, 4, 1},
          {{1100, 67}, std::nullopt, 1100, 67, 1},
          {{3, 4, 5, 6}, Axes{0, 1, 2}, 60, 6, 1},
          {{5, 2, 3}, Axes{0}, 5, 6, 1},
          {{4, 2, 3, 3}, Axes{0, 3}, 4, 6, 3},
          {{3, 4}, Axes{-1}, 1, 3, 4},
          {{6, 7}, Axes{0, 1}, 1, 1, 42},
          {{2, 3}, Axes{}, 1, 6, 1},
      }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  INFO(to_string(x_shape) << " " << dtype << " " << to_string(isa));
  Shape kept;
  for (std::size_t a = 0; a < x_shape.rank(); ++a) {
    const auto number = static_cast<std::int64_t>(a);
    const auto negative = number - static_cast<std::int64_t>(x_shape.rank());
    const bool averaged = axis ? std::count(axis->begin(), axis->end(), number) +
                                         std::count(axis->begin(), axis->end(), negative) >
                                     0
                               : a != 1;
    if (!averaged) kept.push_back(x_shape[a]);
  }
  REQUIRE(kept.size() == channels);
  const Array x = normal({1, 0}, x_shape, 0.5, 2, dtype);
  const Array gamma = uniform({1, 1}, kept, 0.5, 1.5, dtype);
  const Array beta = uniform({1, 2}, kept, -1, 1, dtype);
  const Array gy = uniform({1, 3}, x_shape, -1, 1, dtype);
  const Trained got = train(x, gamma, beta, gy, axis);
  const Reference wanted = reference(values(x), values(gamma), values(beta), values(gy),
                                     static_cast<std::size_t>(outer), static_cast<std::size_t>(inner), 2e-5);

  const std::int64_t m = outer * inner;
  const double unbiased = static_cast<double>(m) / static_cast<double>(std::max<std::int64_t>(m - 1, 1));
  std::vector<double> variance = wanted.variance;
  for (double& v : variance) v *= unbiased;
  // With few elements a channel's deviation can be small, which magnifies the rounding of x by 1 / deviation.
  const double smallest = *std::min_element(wanted.variance.begin(), wanted.variance.end());
  const double magnified = m == 1 ? 1 : std::max(1.0, 8 / std::sqrt(smallest + 2e-5));
  // In double the reference's own sums round as much as what is tested.
  const double element = 4 * test::sum_tolerance(dtype, dtype == DType::float64 ? m : 1) * magnified;
  const double sum = 4 * static_cast<double>(m) * test::sum_tolerance(dtype, 64) * magnified;
  CHECK(largest_difference(got.y, wanted.y) <= 4 * element);
  CHECK(largest_difference(got.gx, wanted.gx) <= 4 * element * magnified);
  CHECK(largest_difference(got.ggamma, wanted.ggamma) <= sum);
  CHECK(largest_difference(got.gbeta, wanted.gbeta) <= sum);
  CHECK(largest_difference(got.mean, wanted.mean) <= element);
  CHECK(largest_difference(got.variance, variance) <= 16 * element);
}

TEST_CASE("batch_normalization averages axes that lie between channels", "[batch_normalization]") {
  // Axis 1 of (2, 3, 2): the same numbers as axis 0 of the transposed (3, 2, 2).
  const Array x = normal({2, 0}, {3, 2, 2}, 0, 1, DType::float64);
  const Array gy = normal({2, 1}, {3, 2, 2}, 0, 1, DType::float64);
  const Array gamma = uniform({2, 2}, {2, 2}, 0.5, 1.5, DType::float64);
  const Array beta = uniform({2, 3}, {2, 2}, -1, 1, DType::float64);
  const Axes swap{1, 0, 2};
  const Trained plain = train(x, gamma, beta, gy, Axes{0});
  const Trained apart = train(transpose(x, swap), gamma, beta, transpose(gy, swap), Axes{1});
  CHECK(allclose(transpose(apart.y, swap), plain.y, 1e-14, 1e-14));
  CHECK(allclose(transpose(apart.gx, swap), plain.gx, 1e-14, 1e-14));
  CHECK(allclose(apart.ggamma, plain.ggamma, 1e-14, 1e-14));
  CHECK(allclose(apart.gbeta, plain.gbeta, 1e-14, 1e-14));
  CHECK(allclose(apart.mean, plain.mean, 1e-14, 1e-14));
  CHECK(allclose(apart.variance, plain.variance, 1e-14, 1e-14));
}

TEST_CASE("batch_normalization without axes takes as many channel axes as gamma has",
          "[batch_normalization]") {
  const Array x = normal({2, 0}, {3, 2, 4, 5}, 0, 1, DType::float64);
  const Array gy = normal({2, 1}, {3, 2, 4, 5}, 0, 1, DType::float64);
  const auto [channels, axis] =
      GENERATE(table<Shape, Axes>({{{2}, {0, 2, 3}}, {{2, 4}, {0, 3}}, {{2, 4, 5}, {0}}}));
  const Array gamma = uniform({2, 2}, channels, 0.5, 1.5, DType::float64);
  const Array beta = uniform({2, 3}, channels, -1, 1, DType::float64);
  const Trained named = train(x, gamma, beta, gy, axis);
  const Trained left_out = train(x, gamma, beta, gy);
  CHECK(identical(left_out.y, named.y));
  CHECK(identical(left_out.gx, named.gx));
  CHECK(identical(left_out.mean, named.mean));
}

TEST_CASE("batch_normalization survives a large mean with a small deviation", "[batch_normalization]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  // 4096 +- 1/16 and 1/32: exact in float32, while E[x^2] - E[x]^2 in float32 would give nonsense.
  const auto inner = GENERATE(1, 10, 300);
  const std::int64_t count = 40;
  std::vector<float> x;
  for (std::int64_t i = 0; i < count * inner; ++i)
    x.push_back(4096.0F + (i % 2 == 0 ? 1.0F : -1.0F) / (i % 4 < 2 ? 16.0F : 32.0F));
  const Array gy = uniform({3, 0}, {count, 1, inner}, -1, 1, DType::float32);
  const Array array = Array::from(x, {count, 1, inner});
  const Trained got = train(array, Array::ones({1}, DType::float32), Array::zeros({1}, DType::float32), gy);
  const Reference wanted = reference(values(array), {1}, {0}, values(gy), static_cast<std::size_t>(count),
                                     static_cast<std::size_t>(inner), 2e-5);
  // What is left is the rounding of results of the order of 1, and in gx of those times 1 / deviation,
  // here 20.
  CHECK(largest_difference(got.y, wanted.y) <= 4 * test::element_tolerance(DType::float32));
  CHECK(largest_difference(got.gx, wanted.gx) <= 80 * test::element_tolerance(DType::float32));
  CHECK(got.mean.item() == Approx(wanted.mean[0]).epsilon(test::element_tolerance(DType::float32)));
  const double m = static_cast<double>(count * inner);
  CHECK(got.variance.item() ==
        Approx(wanted.variance[0] * m / (m - 1)).epsilon(4 * test::element_tolerance(DType::float32)));
}

TEST_CASE("batch_normalization of a constant channel gives beta and no gradient", "[batch_normalization]") {
  const Array gy = Array::from({1.0F, -2.0F, 0.5F, 0.25F}, {2, 1, 2});
  const Trained got = train(Array::full({2, 1, 2}, 0.1, DType::float32), Array::full({1}, 3, DType::float32),
                            Array::full({1}, -0.75, DType::float32), gy);
  CHECK(identical(got.y, Array::full({2, 1, 2}, -0.75, DType::float32)));
  CHECK(got.variance.item() == 0);
  CHECK(got.ggamma.item() == 0);
  CHECK(got.gbeta.item() == -0.25);
}

TEST_CASE("batch_normalization of one sample: y = beta, gx = 0", "[batch_normalization]") {
  const Trained got = train(Array::from({5.0, -3.0}, {1, 2}), Array::from({2.0, 3.0}, {2}),
                            Array::from({0.5, 0.25}, {2}), Array::from({1.0, -1.0}, {1, 2}));
  CHECK(identical(got.y, Array::from({0.5, 0.25}, {1, 2})));
  CHECK(allclose(got.gx, Array::zeros({1, 2}, DType::float64), 0, 0));
  CHECK(identical(got.mean, Array::from({5.0, -3.0}, {2})));
  CHECK(allclose(got.variance, Array::zeros({2}, DType::float64), 0, 0));
}

TEST_CASE("batch_normalization of an empty batch leaves the running statistics alone",
          "[batch_normalization]") {
  const Shape shape = GENERATE(Shape{0, 3}, Shape{0, 3, 4, 4}, Shape{2, 3, 0, 4});
  ops::RunningStatistics running{Array::full({3}, 7, DType::float32), Array::full({3}, 2, DType::float32)};
  const Variable x(Array::ones(shape, DType::float32), true);
  const Variable gamma(Array::ones({3}, DType::float32), true);
  const Variable beta(Array::ones({3}, DType::float32), true);
  const Variable y = ops::batch_normalization(x, gamma, beta, &running);
  CHECK(y.shape() == shape);
  CHECK(identical(running.mean, Array::full({3}, 7, DType::float32)));
  CHECK(identical(running.variance, Array::full({3}, 2, DType::float32)));
  const Variables gs = grad({y}, {x, gamma, beta}, {Variable(Array::ones(shape, DType::float32))});
  CHECK(gs[0].shape() == shape);
  CHECK(identical(gs[1].data(), Array::zeros({3}, DType::float32)));
  CHECK(identical(gs[2].data(), Array::zeros({3}, DType::float32)));
}

TEST_CASE("running statistics are updated in place, each alone if only one is given",
          "[batch_normalization]") {
  const Variable x(Array::from({1.0, 3.0}, {2, 1}));
  const Variable one(Array::ones({1}, DType::float64));
  Array mean = Array::from({1.0}, {1});
  ops::RunningStatistics only_mean{mean, {}};
  static_cast<void>(ops::batch_normalization(x, one, one, &only_mean, {.decay = 0.5}));
  CHECK(mean.item() == 1.5);
  Array variance = Array::from({1.0}, {1});
  ops::RunningStatistics only_variance{{}, variance};
  static_cast<void>(ops::batch_normalization(x, one, one, &only_variance, {.decay = 0.5}));
  CHECK(variance.item() == 1.5);
}

TEST_CASE("fixed_batch_normalization of given statistics", "[batch_normalization]") {
  const auto shape = GENERATE(Shape{2, 2}, Shape{2, 2, 1, 1});
  const Variable y = ops::fixed_batch_normalization(
      Variable(Array::from({1.0, 2.0, 3.0, 4.0}, shape)), Variable(Array::from({2.0, 3.0}, {2})),
      Variable(Array::from({0.0, 1.0}, {2})), Variable(Array::from({1.0, 3.0}, {2})),
      Variable(Array::from({3.0, 0.0}, {2})), {.eps = 1.0});
  CHECK(allclose(y.data(), Array::from({0.0, -2.0, 2.0, 4.0}, shape), 1e-15, 1e-15));
}

TEST_CASE("fixed_batch_normalization with the batch's statistics is batch_normalization",
          "[batch_normalization]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Array x = normal({4, 0}, {5, 3, 4, 3}, 1, 2, dtype);
  const Array gamma = uniform({4, 1}, {3}, 0.5, 1.5, dtype);
  const Array beta = uniform({4, 2}, {3}, -1, 1, dtype);
  const Trained trained = train(x, gamma, beta, x);
  Array variance = trained.variance.astype(DType::float64);
  for (int c = 0; c < 3; ++c) variance.mutable_data<double>()[c] *= 59.0 / 60.0;
  const Variable y = ops::fixed_batch_normalization(Variable(x), Variable(gamma), Variable(beta),
                                                    Variable(trained.mean), Variable(variance.astype(dtype)));
  CHECK(largest_difference(y.data(), values(trained.y)) <= 16 * test::element_tolerance(dtype));
}

TEST_CASE("the second derivative of batch_normalization can be differentiated again",
          "[batch_normalization]") {
  const auto wanted = GENERATE(0, 1);
  const CheckedFunction gradient = [wanted](const Variables& in) {
    // The numeric side gives variables that record nothing; the gradient needs a graph all the same.
    const RecordingScope recording(true);
    const Variable x = in[0].requires_grad() ? in[0] : Variable(in[0].data(), true);
    const Variable gamma = in[1].requires_grad() ? in[1] : Variable(in[1].data(), true);
    const Variable y = ops::batch_normalization(x, gamma, in[2], nullptr, {.eps = 0.1});
    return grad({y * y * y}, {wanted == 0 ? x : gamma}, {in[3]}, {.create_graph = true})[0];
  };
  const GradientReport report =
      check_double_backward(gradient, {normal({5, 0}, {4, 2, 2}, 0, 1, DType::float64), test::nonzero({2}, 5),
                                       test::nonzero({2}, 6), test::nonzero({4, 2, 2}, 7)});
  INFO(report);
  CHECK(report);
}

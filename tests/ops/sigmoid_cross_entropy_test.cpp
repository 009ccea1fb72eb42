// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/sigmoid_cross_entropy.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <support/restore.hpp>
#include <support/tolerance.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using Options = ops::SigmoidCrossEntropyOptions;

namespace {

struct Loss {
  Array y, gx;
};

Loss loss(const Array& x, const Array& t, const Options& options = {}, bool create_graph = false) {
  const Variable v(x, true);
  const Variable y = ops::sigmoid_cross_entropy(v, t, options);
  const Variable gy(Array::ones(y.shape(), x.dtype()));
  return {y.data(), grad({y}, {v}, {gy}, {.create_graph = create_graph})[0].data()};
}

Array labels(std::initializer_list<std::int64_t> values, const Shape& shape) {
  return Array::from(values, shape);
}

}  // namespace

TEST_CASE("sigmoid_cross_entropy by hand", "[sigmoid_cross_entropy]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const double u = test::element_tolerance(dtype);
  // sigmoid of log 3 is 3/4.
  const double log3 = std::log(3.0), log4 = std::log(4.0);
  const Array x = Array::from({log3, log3, -log3, -log3, 0.0}, {5}).astype(dtype);
  const Array t = labels({1, 0, 1, 0, 1}, {5});
  const Loss each = loss(x, t, {.reduce = ops::Reduce::no});
  CHECK(allclose(each.y,
                 Array::from({log4 - log3, log4, log4, log4 - log3, std::log(2.0)}, {5}).astype(dtype), 4 * u,
                 0));
  CHECK(allclose(each.gx, Array::from({-0.25, 0.75, -0.75, 0.25, -0.5}, {5}).astype(dtype), 4 * u, 0));

  const Array half = Array::full({5}, 0.5, dtype);  // soft targets: half of each label
  const Loss soft = loss(x, half, {.reduce = ops::Reduce::no});
  CHECK(allclose(
      soft.y.astype(DType::float64),
      Array::from({log4 - log3 / 2, log4 - log3 / 2, log4 - log3 / 2, log4 - log3 / 2, std::log(2.0)}, {5}),
      4 * u, 0));
  CHECK(allclose(soft.gx, Array::from({0.25, 0.25, -0.25, -0.25, 0.0}, {5}).astype(dtype), 4 * u, u));
  CHECK(identical(loss(x, t.astype(dtype)).y, loss(x, t).y));
  CHECK(identical(loss(x, t.astype(DType::int32)).gx, loss(x, t).gx));
}

TEST_CASE("what sigmoid_cross_entropy divides by", "[sigmoid_cross_entropy]") {
  const Array x = Array::zeros({2, 3}, DType::float64);  // every loss is log 2
  const double log2 = std::log(2.0);
  const Array t = labels({0, -1, 1, 1, -1, 0}, {2, 3});
  const auto value = [&](const Options& options) { return loss(x, t, options).y.item(); };
  CHECK(value({}) == Approx(log2).epsilon(1e-15));
  CHECK(value({.normalize = false}) == Approx(2 * log2).epsilon(1e-15));
  CHECK(value({.reduce = ops::Reduce::sum}) == Approx(4 * log2).epsilon(1e-15));
  CHECK(loss(x, Array::full({2, 3}, 5, DType::int64), {.ignore_label = 5}).y.item() == 0);
  CHECK(loss(x, labels({0, 1, 1, 1, 1, 0}, {2, 3}), {.ignore_label = 1, .normalize = false}).y.item() ==
        Approx(log2).epsilon(1e-15));
  CHECK(loss(Array::zeros({}, DType::float64), labels({1}, {}), {.normalize = false}).y.item() ==
        Approx(log2).epsilon(1e-15));
}

TEST_CASE("sigmoid_cross_entropy does not overflow", "[sigmoid_cross_entropy]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const double infinity = std::numeric_limits<double>::infinity();
  const Array x = Array::from({1e30, 1e30, -1e30, -1e30, infinity, -infinity}, {6}).astype(dtype);
  const Loss got = loss(x, labels({1, 0, 1, 0, 0, 1}, {6}), {.reduce = ops::Reduce::no});
  CHECK(allclose(got.y, Array::from({0.0, 1e30, 1e30, 0.0, infinity, infinity}, {6}).astype(dtype), 1e-7, 0));
  CHECK(allclose(got.gx, Array::from({0.0, 1.0, -1.0, 0.0, 1.0, -1.0}, {6}).astype(dtype), 0, 0));
  // Far from the border the loss is exp(-|x|), which 1 + exp(-|x|) would swallow.
  const Loss small = loss(Array::full({1}, 40, dtype), labels({1}, {1}));
  CHECK(small.y.item() == Approx(std::exp(-40.0)).epsilon(1e-5));
}

TEST_CASE("ignored targets take no part, whatever their scores", "[sigmoid_cross_entropy]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const bool create_graph = GENERATE(false, true);
  const Loss got = loss(Array::from({0.0, nan}, {1, 2}), labels({0, -1}, {1, 2}), {}, create_graph);
  CHECK(got.y.item() == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(allclose(got.gx, Array::from({0.5, 0.0}, {1, 2}), 1e-15, 0));
  CHECK(loss(Array::from({nan}, {1}), labels({1}, {1})).y.item() != 0);
}

TEST_CASE("ignored targets have gradients of 0 in every order", "[sigmoid_cross_entropy]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const bool create_graph = GENERATE(false, true);  // of the second order
  const Variable x(Array::from({0.0, nan}, {2}), true);
  const Variable y = ops::sigmoid_cross_entropy(x, labels({0, -1}, {2}), {.reduce = ops::Reduce::sum});
  const Variable ones(Array::ones({2}, DType::float64));
  const Variable first = grad({y}, {x}, {}, {.create_graph = true})[0];
  CHECK(identical(first.data(), Array::from({0.5, 0.0}, {2})));
  const Variable second = grad({first}, {x}, {ones}, {.create_graph = create_graph})[0];
  CHECK(identical(second.data(), Array::from({0.25, 0.0}, {2})));
  if (!create_graph) return;
  const Variable third = grad({second}, {x}, {ones})[0];
  CHECK(identical(third.data(), Array::zeros({2}, DType::float64)));
}

TEST_CASE("sigmoid_cross_entropy of an empty batch is 0", "[sigmoid_cross_entropy]") {
  const bool normalize = GENERATE(true, false);
  const Loss got = loss(Array::zeros({0, 3}, DType::float32), Array::zeros({0, 3}, DType::int64),
                        {.normalize = normalize});
  CHECK(got.y.item() == 0);
  CHECK(got.gx.shape() == Shape{0, 3});
}

TEST_CASE("the sigmoid_cross_entropy kernels agree with the definition", "[sigmoid_cross_entropy][kernels]") {
  const test::RestoreSettings restore;
  const auto isa = GENERATE(from_range(supported_isas()));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  for (std::int64_t count = 1; count <= 70; ++count) {
    INFO(to_string(isa) << " " << dtype << " " << count);
    const Array x = normal({1, static_cast<std::uint64_t>(count)}, {count}, 0, 8, dtype);
    std::vector<std::int64_t> t;
    for (std::int64_t i = 0; i < count; ++i) t.push_back(i * 7 % 3 - 1);
    const Loss got = loss(x, Array::from(t, {count}), {.reduce = ops::Reduce::no});
    std::vector<double> y, gx;
    const Array doubles = x.astype(DType::float64);
    for (std::int64_t i = 0; i < count; ++i) {
      const double score = doubles.data<double>()[i];
      const auto label = static_cast<double>(t[static_cast<std::size_t>(i)]);
      const double positive = score > 0 ? score : 0;
      y.push_back(label < 0 ? 0 : positive - score * label + std::log1p(std::exp(-std::abs(score))));
      gx.push_back(label < 0 ? 0 : 1 / (1 + std::exp(-score)) - label);
    }
    const double u = test::element_tolerance(dtype);
    CHECK(allclose(got.y.astype(DType::float64), Array::from(y, {count}), 2 * u, 0));
    // sigmoid(x) - 1 loses the digits that are next to 1.
    CHECK(allclose(got.gx.astype(DType::float64), Array::from(gx, {count}), 2 * u, u));
  }
}

TEST_CASE("sigmoid_cross_entropy refuses what does not fit", "[sigmoid_cross_entropy][errors]") {
  const Variable x(Array::zeros({2, 2}, DType::float32));
  const auto call = [](const Variable& input, const Array& t, const Options& options = {}) {
    static_cast<void>(ops::sigmoid_cross_entropy(input, t, options));
  };
  CHECK_THROWS_MATCHES(
      call(x, labels({0, 1, 2, 0}, {2, 2})), ValueError,
      Message("sigmoid_cross_entropy: labels must lie in [0, 2) or be the ignored -1 (t[1, 0] is 2)\n"
              "  x: float32 [2, 2]\n"
              "  t: int64 [2, 2]\n"
              "  hint: one label for each score, 0 or 1"));
  CHECK_THROWS_AS(call(x, labels({0, 1, -1, 0}, {2, 2}), {.ignore_label = -100}), ValueError);
  CHECK_THROWS_MATCHES(
      call(x, Array::full({2, 2}, 1.5, DType::float32)), ValueError,
      Message("sigmoid_cross_entropy: targets must lie in [0, 1] or be the ignored -1 (t[0, 0] is 1.5)\n"
              "  x: float32 [2, 2]\n"
              "  t: float32 [2, 2]\n"
              "  hint: they are probabilities; the scores are x"));
  CHECK_THROWS_AS(call(x, Array::full({2, 2}, std::nan(""), DType::float32)), ValueError);
  CHECK_THROWS_MATCHES(
      call(x, labels({0, 1}, {2})), ShapeError,
      Message("sigmoid_cross_entropy: t must have the shape [2, 2], that of x (it has [2])\n"
              "  x: float32 [2, 2]\n"
              "  t: int64 [2]\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(
      call(x, Array::zeros({2, 2}, DType::float64)), DTypeError,
      Message("sigmoid_cross_entropy: t must have the dtype of x (x is float32, t is float64)\n"
              "  x: float32 [2, 2]\n"
              "  t: float64 [2, 2]\n"
              "  hint: types are never mixed silently; convert one with astype(DType::float32)"));
  CHECK_THROWS_MATCHES(call(x, Array::zeros({2, 2}, DType::boolean)), DTypeError,
                       Message("sigmoid_cross_entropy: t must be int32 or int64 (it is bool)\n"
                               "  x: float32 [2, 2]\n"
                               "  t: bool [2, 2]\n"
                               "  hint: convert it with astype"));
  CHECK_THROWS_AS(call({}, labels({0}, {1})), GraphError);
  CHECK_THROWS_AS(call(x, {}), GraphError);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/init.hpp>

#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/core/error.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/linear.hpp>

#include "support/restore.hpp"
#include "support/tolerance.hpp"

using namespace fathom;

namespace {

struct Moments {
  double mean = 0;
  double deviation = 0;
};

Moments moments(const Array& array) {
  const Array wide = array.astype(DType::float64);
  const double* x = wide.data<double>();
  double sum = 0;
  double squares = 0;
  for (std::int64_t i = 0; i < wide.size(); ++i) {
    sum += x[i];
    squares += x[i] * x[i];
  }
  const auto count = static_cast<double>(wide.size());
  return {sum / count, std::sqrt(squares / count - sum / count * (sum / count))};
}

/// The measured deviation of n normal numbers is off by 1/sqrt(2 n) of itself (one standard deviation), that
/// of n uniform ones by less, their mean by deviation/sqrt(n): 4 of these are allowed.
void check_moments(const Array& array, double deviation) {
  const Moments measured = moments(array);
  const auto n = static_cast<double>(array.size());
  CHECK(std::abs(measured.mean) < 4 * deviation / std::sqrt(n));
  CHECK(std::abs(measured.deviation - deviation) < 4 * deviation / std::sqrt(2 * n));
}

const Shape kShape{100, 50, 3, 3};
constexpr nn::Fans kFans{.in = 27, .out = 18};

}  // namespace

TEST_CASE("initialisers have the scale of their formula", "[init]") {
  struct Row {
    nn::Initializer initializer;
    double scale;
    double deviation;
  };
  const double third = std::sqrt(3.0);
  const auto row = GENERATE_COPY(values<Row>({
      {nn::init::normal(0.05), 0.05, 0.05},
      {nn::init::uniform(0.3), 0.3, 0.3 / third},
      {nn::init::lecun_normal(), 0.19245008972987526, 0.19245008972987526},
      {nn::init::lecun_uniform(), 1.0 / 3, 0.19245008972987526},
      {nn::init::he_normal(), 0.2721655269759087, 0.2721655269759087},
      {nn::init::he_normal(0.5), 0.13608276348795434, 0.13608276348795434},
      {nn::init::he_uniform(), 0.4714045207910317, 0.2721655269759087},
      {nn::init::he_normal().by_fan_out(), 1.0 / 3, 1.0 / 3},
      {nn::init::glorot_normal().by_fan_out(), 0.21081851067789195, 0.21081851067789195},
      {nn::init::glorot_normal(), 0.21081851067789195, 0.21081851067789195},
      {nn::init::glorot_uniform(), 0.3651483716701107, 0.21081851067789195},
  }));
  CHECK(row.initializer.scale(kShape, kFans) == Approx(row.scale).epsilon(1e-14));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Array drawn = row.initializer(RandomKey{3, 1}, kShape, kFans, dtype);
  CHECK(drawn.dtype() == dtype);
  CHECK(drawn.shape() == kShape);
  check_moments(drawn, row.deviation);
  CHECK(identical(drawn, row.initializer(RandomKey{3, 1}, kShape, kFans, dtype)));
  CHECK_FALSE(identical(drawn, row.initializer(RandomKey{3, 2}, kShape, kFans, dtype)));
}

TEST_CASE("a constant needs no fans", "[init]") {
  const Array filled = nn::init::constant(1.5)(RandomKey{}, {3}, {.in = 0, .out = 0}, DType::float64);
  CHECK(identical(filled, Array::full({3}, 1.5, DType::float64)));
}

TEST_CASE("chainer_fans are those of the shape alone", "[init]") {
  CHECK(nn::chainer_fans({2, 3, 3, 3}) == nn::Fans{.in = 27, .out = 18});
  CHECK(nn::chainer_fans({1, 32, 3, 3}) == nn::Fans{.in = 288, .out = 9});
  CHECK(nn::chainer_fans({10, 20}) == nn::Fans{.in = 20, .out = 10});
  CHECK_THROWS_WITH(nn::chainer_fans({10}),
                    "chainer_fans: a weight has two axes or more (its shape is [10])\n"
                    "  hint: a bias has no fans; use a constant for it");
  CHECK(nn::init::lecun_normal().with_fans(nn::chainer_fans).scale({1, 32, 3, 3}, {.in = 9, .out = 9}) ==
        Approx(1 / std::sqrt(288.0)));
}

TEST_CASE("fans must be positive where they are used", "[init]") {
  CHECK_THROWS_WITH(nn::init::he_normal()(RandomKey{}, {2, 0}, {.in = 0, .out = 2}, DType::float32),
                    "Initializer: fans must be positive (in is 0, out is 2, the weight's shape [2, 0])\n"
                    "  hint: look at the sizes that the layer was made with");
}

TEST_CASE("layers give their true fans: W and outputs have the deviation that follows", "[init][layers]") {
  Random random{5};
  SECTION("depthwise: an output adds up kH * kW products") {
    nn::DepthwiseConv2D layer{512, {.multiplier = 2, .kernel = {3, 5}, .bias = false}, random};
    check_moments(layer.W.data(), 1 / std::sqrt(15.0));
    nn::DepthwiseConv2D he{512, {.kernel = 3, .initial_W = nn::init::he_normal()}, random};
    check_moments(he.W.data(), std::sqrt(2 / 9.0));
    nn::DepthwiseConv2D out{
        512, {.multiplier = 2, .kernel = 3, .initial_W = nn::init::he_normal().by_fan_out()}, random};
    check_moments(out.W.data(), std::sqrt(2 / 18.0));
    nn::DepthwiseConv2D glorot{
        512, {.multiplier = 2, .kernel = 3, .initial_W = nn::init::glorot_normal()}, random};
    check_moments(glorot.W.data(), std::sqrt(2 / (9.0 + 18)));
    nn::DepthwiseConv2D chainer{
        512, {.kernel = 3, .initial_W = nn::init::lecun_normal().with_fans(nn::chainer_fans)}, random};
    check_moments(chainer.W.data(), 1 / std::sqrt(512.0 * 9));
  }
  SECTION("convolution with groups: (cI / groups) * kH * kW") {
    nn::Conv2D layer{64, 128, {.kernel = 3, .groups = 4}, random};
    check_moments(layer.W.data(), 1 / std::sqrt(16 * 9.0));
    nn::Conv2D glorot{64, 128, {.kernel = 3, .groups = 4, .initial_W = nn::init::glorot_normal()}, random};
    check_moments(glorot.W.data(), std::sqrt(2 / (16 * 9.0 + 32 * 9.0)));
  }
  SECTION("linear: in_size") {
    nn::Linear layer{300, 100, {}, random};
    check_moments(layer.W.data(), 1 / std::sqrt(300.0));
  }
}

TEST_CASE("with the default initialiser outputs vary as much as inputs", "[init][layers]") {
  Random random{6};
  const auto check_unit = [](const Variable& y) {
    // Outputs that share weights or inputs are not independent: 5 % of the deviation is allowed instead of
    // the rule above, where a wrong fan would show as a factor of 3 or more.
    CHECK(moments(y.data()).deviation == Approx(1).epsilon(0.05));
  };
  SECTION("depthwise") {
    nn::DepthwiseConv2D layer{512, {.kernel = 3}, random};
    check_unit(layer(Variable{normal(random.key(), {4, 512, 8, 8}, 0, 1, DType::float32)}));
  }
  SECTION("convolution") {
    nn::Conv2D layer{32, 64, {.kernel = 3, .groups = 2}, random};
    check_unit(layer(Variable{normal(random.key(), {4, 32, 12, 12}, 0, 1, DType::float32)}));
  }
  SECTION("linear") {
    nn::Linear layer{300, 200, {}, random};
    check_unit(layer(Variable{normal(random.key(), {64, 300}, 0, 1, DType::float32)}));
  }
}

TEST_CASE("orthogonal rows, or columns where there are fewer", "[init]") {
  const Shape shape = GENERATE(Shape{1, 1}, Shape{5, 5}, Shape{40, 60}, Shape{60, 40}, Shape{16, 3, 3, 3},
                               Shape{40, 2, 3, 3});
  const DType dtype = GENERATE(DType::float32, DType::float64);
  CAPTURE(to_string(shape), dtype);
  const double scale = 1.5;
  const Array W = nn::init::orthogonal(scale)(RandomKey{4, 2}, shape, {}, dtype);
  REQUIRE(W.shape() == shape);
  REQUIRE(W.dtype() == dtype);
  const std::int64_t rows = shape[0], columns = shape.size() / rows;
  const Array wide = W.astype(DType::float64);
  const double* w = wide.data<double>();
  const bool by_rows = rows <= columns;
  const std::int64_t count = by_rows ? rows : columns, length = by_rows ? columns : rows;
  const auto at = [&](std::int64_t i, std::int64_t k) {
    return by_rows ? w[i * columns + k] : w[k * columns + i];
  };
  // Elements are rounded once, to dtype, and the rows have the length `scale`.
  const double tolerance = scale * scale * test::sum_tolerance(dtype, length);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      double product = 0;
      for (std::int64_t k = 0; k < length; ++k) product += at(i, k) * at(j, k);
      INFO(i << ", " << j);
      REQUIRE(std::abs(product - (i == j ? scale * scale : 0)) <= tolerance);
    }
  }
}

TEST_CASE("orthogonal weights have the same bits for any number of threads", "[init]") {
  const test::RestoreSettings restore;
  const auto draw = [](int threads, std::uint64_t stream) {
    set_num_threads(threads);
    return nn::init::orthogonal()(RandomKey{4, stream}, {100, 700}, {}, DType::float64);
  };
  const Array one = draw(1, 0);
  for (const int threads : {2, 3, 5}) CHECK(identical(draw(threads, 0), one));
  CHECK_FALSE(identical(draw(1, 1), one));
}

TEST_CASE("orthogonal takes weights alone", "[init][error]") {
  CHECK_THROWS_WITH(nn::init::orthogonal()(RandomKey{}, {3}, {}, DType::float32),
                    "init::orthogonal: a weight has two axes or more (its shape is [3])\n"
                    "  hint: use a constant for a bias");
  CHECK_THROWS_AS(nn::init::orthogonal()(RandomKey{}, {3, 3}, {}, DType::int64), DTypeError);
  CHECK(nn::init::orthogonal()(RandomKey{}, {0, 3}, {}, DType::float32).shape() == Shape{0, 3});
  Random random{1};
  const nn::Linear layer{4, 3, {.initial_W = nn::init::orthogonal()}, random};
  CHECK(layer.W.shape() == Shape{3, 4});
}

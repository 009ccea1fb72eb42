// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/linear.hpp>

#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <support/restore.hpp>
#include <support/tolerance.hpp>

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

Array random(std::uint64_t stream, const Shape& shape, DType dtype = DType::float64) {
  return uniform({13, stream}, shape, -1, 1, DType::float64).astype(dtype);
}

struct LinearCase {
  Shape x;
  std::int64_t out, n_batch_axes;

  [[nodiscard]] std::int64_t rows() const {
    std::int64_t result = 1;
    for (std::int64_t axis = 0; axis < n_batch_axes; ++axis) result *= x[static_cast<std::size_t>(axis)];
    return result;
  }
  [[nodiscard]] std::int64_t in() const { return x.size() / rows(); }
};

std::ostream& operator<<(std::ostream& out, const LinearCase& c) {
  return out << "x " << c.x << " out " << c.out << " n_batch_axes " << c.n_batch_axes;
}

std::vector<LinearCase> cases() {
  return {{{1, 1}, 1, 1},       {{5, 1}, 3, 1},       {{1, 6}, 4, 1},   {{2, 3, 2, 2}, 5, 1},
          {{2, 3, 2, 3}, 4, 2}, {{2, 2, 3, 4}, 2, 3}, {{33, 19}, 7, 1}, {{7, 300}, 41, 1}};
}

template <class T>
void check_values(const LinearCase& c) {
  const Variable x{random(1, c.x, dtype_of<T>)};
  const Variable W{random(2, {c.out, c.in()}, dtype_of<T>)};
  const Variable b{random(3, {c.out}, dtype_of<T>)};
  const Array y = ops::linear(x, W, b, {c.n_batch_axes}).data();
  REQUIRE(y.size() == c.rows() * c.out);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    double sum = b.data().data<T>()[i % c.out];
    double magnitude = std::abs(sum);
    for (std::int64_t k = 0; k < c.in(); ++k) {
      const double left = x.data().data<T>()[i / c.out * c.in() + k];
      const double product = left * static_cast<double>(W.data().data<T>()[i % c.out * c.in() + k]);
      sum += product;
      magnitude += std::abs(product);
    }
    const double distance = std::abs(static_cast<double>(y.data<T>()[i]) - sum);
    REQUIRE(distance <= test::sum_tolerance(dtype_of<T>, c.in() + 1) * magnitude);
  }
}

}  // namespace

TEST_CASE("linear agrees with plain loops", "[linear]") {
  const test::RestoreSettings restore;
  const LinearCase c = GENERATE(from_range(cases()));
  set_isa(GENERATE(from_range(supported_isas())));
  CAPTURE(c);
  check_values<float>(c);
  check_values<double>(c);
}

TEST_CASE("linear passes the gradient checks", "[linear]") {
  const LinearCase c = GENERATE(from_range(cases()));
  const bool with_bias = GENERATE(false, true);
  CAPTURE(c, with_bias);
  Arrays inputs{random(1, c.x), random(2, {c.out, c.in()})};
  if (with_bias) inputs.push_back(random(3, {c.out}));
  const auto function = [&](const Variables& in) {
    return ops::linear(in[0], in[1], with_bias ? in[2] : Variable{}, {c.n_batch_axes});
  };
  const GradientReport first = check_backward(function, inputs);
  INFO(first);
  CHECK(first);
  const GradientReport second = check_double_backward(function, inputs);
  INFO(second);
  CHECK(second);
}

TEST_CASE("linear's shapes", "[linear]") {
  const Variable W{Array::ones({4, 6}, DType::float32)};
  const auto shape = [&](const Shape& x, std::int64_t n_batch_axes) {
    return ops::linear(Variable{Array::ones(x, DType::float32)}, W, {}, {n_batch_axes}).shape();
  };
  CHECK(shape({5, 2, 3}, 1) == Shape{5, 4});
  CHECK(shape({5, 7, 2, 3}, 2) == Shape{5, 7, 4});
  CHECK(shape({0, 6}, 1) == Shape{0, 4});
}

TEST_CASE("linear of an empty batch has zero gradients", "[linear]") {
  const Variable x{Array::zeros({0, 4}, DType::float64), true};
  const Variable W{random(1, {2, 4}), true};
  const Variable b{random(2, {2}), true};
  const Variables ys{ops::linear(x, W, b)};
  const Variables gys{Variable{Array::zeros({0, 2}, DType::float64)}};
  const bool create_graph = GENERATE(false, true);
  backward(ys, gys, {.create_graph = create_graph});
  CHECK(x.grad().shape() == x.shape());
  CHECK(identical(W.grad().data(), Array::zeros({2, 4}, DType::float64)));
  CHECK(identical(b.grad().data(), Array::zeros({2}, DType::float64)));
}

TEST_CASE("linear adds to the gradients that are there", "[linear]") {
  const Variable x{random(1, {9, 5}), true};
  const Variable W{random(2, {3, 5}), true};
  const Variable b{random(3, {3}), true};
  const auto step = [&] {
    const Variables ys{ops::linear(x, W, b)};
    const Variables gys{Variable{random(4, {9, 3})}};
    backward(ys, gys);
  };
  step();
  const Arrays once{x.grad().data().copy(), W.grad().data().copy(), b.grad().data().copy()};
  step();
  const Arrays twice{x.grad().data(), W.grad().data(), b.grad().data()};
  for (std::size_t i = 0; i < once.size(); ++i) {
    Array doubled = once[i].copy();
    double* values = doubled.mutable_data<double>();
    for (std::int64_t j = 0; j < doubled.size(); ++j) values[j] *= 2;
    CHECK(identical(twice[i], doubled));
  }
}

TEST_CASE("linear gives the same bits for any number of threads", "[linear]") {
  const test::RestoreSettings restore;
  const Variable x{random(1, {150, 310}, DType::float32)};
  const Variable W{random(2, {170, 310}, DType::float32)};
  set_num_threads(1);
  const Array expected = ops::linear(x, W).data();
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CAPTURE(threads);
    CHECK(identical(ops::linear(x, W).data(), expected));
  }
}

TEST_CASE("linear refuses what does not fit", "[linear]") {
  const auto var = [](const Shape& shape, DType dtype = DType::float32) {
    return Variable{Array::ones(shape, dtype)};
  };
  const Variable x = var({2, 3});
  const Variable W = var({4, 3});
  using ops::linear;
  CHECK_THROWS_AS(linear({}, W), GraphError);
  CHECK_THROWS_WITH(linear(x, {}), Contains("linear: W must not be undefined"));
  CHECK_THROWS_AS(linear(x, var({4, 3, 1})), ShapeError);
  CHECK_THROWS_WITH(linear(x, var({4, 3, 1})), Contains("W must have 2 axes (out, in) (it has 3)"));
  CHECK_THROWS_AS(linear(x, W, var({3})), ShapeError);
  CHECK_THROWS_WITH(linear(x, W, var({3})),
                    Equals("linear: b must have one value for each row of W (b has 3, W has 4)\n"
                           "  x: float32 [2, 3]  (n..., d...)\n"
                           "  W: float32 [4, 3]  (out, in)\n"
                           "  b: float32 [3]     (out)\n"
                           "  hint: leave b out, or give one value for each output"));
  CHECK_THROWS_AS(linear(x, var({4, 3}, DType::float64)), DTypeError);
  CHECK_THROWS_AS(linear(x, W, var({4}, DType::float64)), DTypeError);
  CHECK_THROWS_AS(linear(var({3}), W), ShapeError);
  CHECK_THROWS_WITH(
      linear(var({3}), W),
      Contains("x must have at least one axis more than n_batch_axes (x has 1, n_batch_axes is 1)") &&
          Contains("hint: a single sample is x.reshape({1, -1})"));
  CHECK_THROWS_AS(linear(x, W, {}, {.n_batch_axes = 0}), ValueError);
  CHECK_THROWS_AS(linear(x, W, {}, {.n_batch_axes = 2}), ShapeError);
  CHECK_THROWS_WITH(linear(x, var({3, 4})),
                    Contains("W must have as many columns as x has values in a sample (x "
                             "has 3, W has 4)") &&
                        Contains("yours looks like (in, out): transpose it"));
}

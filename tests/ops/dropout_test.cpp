// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/dropout.hpp>

#include <support/restore.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>
#include <fathom/ops/arithmetic.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Array ones(const Shape& shape, DType dtype = DType::float32) { return Array::ones(shape, dtype); }

/// What dropout multiplies by: 0 or 1 / (1 - ratio).
Array mask(const Shape& shape, double ratio, RandomKey key, std::uint64_t counter,
           DType dtype = DType::float32) {
  return ops::dropout(Variable(ones(shape, dtype)), {.ratio = ratio}, key, counter).data();
}

double share_of_zeros(const Array& array) {
  std::int64_t zeros = 0;
  for (std::int64_t i = 0; i < array.size(); ++i) zeros += array.data<float>()[i] == 0 ? 1 : 0;
  return static_cast<double>(zeros) / static_cast<double>(array.size());
}

}  // namespace

TEST_CASE("dropout drops the given share and scales the rest", "[dropout]") {
  const double ratio = GENERATE(0.0, 0.1, 0.5, 0.75, 0.999);
  const std::int64_t count = 100003;
  const Array y = mask({count}, ratio, {1, 2}, 3);
  const auto kept = static_cast<float>(1 / (1 - ratio));
  std::int64_t others = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = y.data<float>()[i];
    if (value != 0 && value != kept) ++others;
  }
  CHECK(others == 0);
  // Five standard deviations of the binomial distribution.
  CHECK(std::abs(share_of_zeros(y) - ratio) <=
        5 * std::sqrt(ratio * (1 - ratio) / static_cast<double>(count)));
}

TEST_CASE("key and counter decide what dropout drops", "[dropout]") {
  const Shape shape{40, 25};
  const Array first = mask(shape, 0.5, {1, 2}, 3);
  CHECK(identical(mask(shape, 0.5, {1, 2}, 3), first));
  // Two independent masks agree in about half of their elements: no shift or repetition of one another.
  for (const auto& [key, counter] :
       std::vector<std::pair<RandomKey, std::uint64_t>>{{{1, 2}, 4}, {{1, 2}, 2}, {{1, 3}, 3}, {{2, 2}, 3}}) {
    const Array other = mask(shape, 0.5, key, counter);
    std::int64_t equal = 0;
    for (std::int64_t i = 0; i < shape.size(); ++i)
      equal += other.data<float>()[i] == first.data<float>()[i] ? 1 : 0;
    INFO(key.seed << " " << key.stream << " " << counter << ": " << equal);
    CHECK(std::abs(static_cast<double>(equal) - 500) <= 5 * std::sqrt(250.0));
  }
}

TEST_CASE("dropout drops the same elements for either dtype, shape and size", "[dropout]") {
  const Array floats = mask({1000}, 0.5, {4, 0}, 0);
  CHECK(identical(mask({1000}, 0.5, {4, 0}, 0, DType::float64).astype(DType::float32), floats));
  CHECK(identical(mask({10, 100}, 0.5, {4, 0}, 0).reshape({1000}), floats));
  const Array shorter = mask({7}, 0.5, {4, 0}, 0);
  for (std::int64_t i = 0; i < 7; ++i) CHECK(shorter.data<float>()[i] == floats.data<float>()[i]);
}

TEST_CASE("the gradient of dropout drops the same elements", "[dropout]") {
  const Array gy = uniform({5, 0}, {33, 3}, -1, 1, DType::float64);
  const Variable x(uniform({5, 1}, {33, 3}, -1, 1, DType::float64), true);
  const Variable y = ops::dropout(x, {.ratio = 0.4}, {6, 7}, 8);
  CHECK(y.creator()->name() == "dropout");
  const Array factors = mask({33, 3}, 0.4, {6, 7}, 8, DType::float64);
  CHECK(identical(y.data(), ops::dropout(x, factors).data()));
  const bool create_graph = GENERATE(false, true);
  const Variable gx = grad({y}, {x}, {Variable(gy)}, {.create_graph = create_graph})[0];
  CHECK(identical(gx.data(), ops::dropout(Variable(gy), factors).data()));
}

TEST_CASE("dropout has the same bits for any number of threads", "[dropout][threads]") {
  const test::RestoreSettings restore;
  set_num_threads(1);
  const Array one = mask({100003}, 0.3, {9, 0}, 0);
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CHECK(identical(mask({100003}, 0.3, {9, 0}, 0), one));
  }
}

TEST_CASE("stochastic_depth drops whole samples, as dropout drops elements", "[dropout][stochastic_depth]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x(uniform({5, 2}, {64, 3, 5}, 1, 2, dtype), true);
  const Array factors = mask({64, 1, 1}, 0.25, {6, 7}, 8, dtype);
  CHECK(share_of_zeros(factors.astype(DType::float32)) > 0);
  const Variable y = ops::stochastic_depth(x, {.ratio = 0.25}, {6, 7}, 8);
  CHECK(identical(y.data(), (x * Variable(factors)).data()));
  const Variable gy(uniform({5, 3}, x.shape(), -1, 1, dtype));
  CHECK(identical(grad({y}, {x}, {gy})[0].data(), (gy * Variable(factors)).data()));
}

TEST_CASE("stochastic_depth refuses scalars and shares out of range", "[dropout][stochastic_depth][errors]") {
  CHECK_THROWS_MATCHES(ops::stochastic_depth(Variable(ones({})), {}, {}, 0), ShapeError,
                       Message("stochastic_depth: x must have at least 1 axis (n, ...) (it has 0)\n"
                               "  x: float32 []  (n, ...)\n"
                               "  hint: samples lie along axis 0"));
  CHECK_THROWS_MATCHES(ops::stochastic_depth(Variable(ones({2})), {.ratio = 1}, {}, 0), ValueError,
                       Message("stochastic_depth: ratio must be at least 0 and less than 1 (it is 1)\n"
                               "  x: float32 [2]  (n, ...)\n"
                               "  hint: it is the share that is dropped, not the share that is kept"));
}

TEST_CASE("dropout of nothing, NaN and infinity", "[dropout]") {
  CHECK(mask({0, 3}, 0.5, {}, 0).shape() == Shape{0, 3});
  const double infinity = std::numeric_limits<double>::infinity();
  const Array y = ops::dropout(Variable(Array::from<double>({NAN, infinity, 2, 3}, {4})),
                               Array::from({2.0, 2.0, 2.0, 0.0}, {4}))
                      .data();
  CHECK(allclose(y, Array::from<double>({NAN, infinity, 4, 0}, {4}), 0, 0, true));
}

TEST_CASE("a mask changed between forward and backward is noticed", "[dropout][errors]") {
  const Variable x(ones({2}), true);
  Array factors = ones({2});
  const Variable y = ops::dropout(x, factors);
  factors.mutable_data<float>()[0] = 0;
  CHECK_THROWS_MATCHES(
      grad({y}, {x}, {Variable(ones({2}))}), GraphError,
      Message("mul: input 1 was changed in place after forward, so its gradient would be wrong\n"
              "  input 1: float32 [2]\n"
              "  hint: run backward before changing it, or change a copy()"));
}

TEST_CASE("dropout refuses what does not fit", "[dropout][errors]") {
  const Variable x(ones({2, 3}));
  const auto random = [](const Variable& input, double ratio) {
    static_cast<void>(ops::dropout(input, {.ratio = ratio}, {}, 0));
  };
  const auto given = [](const Variable& input, const Array& factors) {
    static_cast<void>(ops::dropout(input, factors));
  };
  CHECK_THROWS_MATCHES(random(x, 1), ValueError,
                       Message("dropout: ratio must be at least 0 and less than 1 (it is 1)\n"
                               "  x: float32 [2, 3]\n"
                               "  hint: it is the share that is dropped, not the share that is kept"));
  CHECK_THROWS_AS(random(x, -0.5), ValueError);
  CHECK_THROWS_AS(random(x, NAN), ValueError);
  CHECK_THROWS_MATCHES(random({}, 0.5), GraphError,
                       Message("dropout: x must not be undefined\n"
                               "  x: undefined\n"
                               "  hint: Variable{} is legal for optional arguments only; give a deferred "
                               "parameter its data with initialize"));
  CHECK_THROWS_MATCHES(
      given(x, ones({3, 2})), ShapeError,
      Message("dropout: mask must have the shape [2, 3], that of x (it has [3, 2])\n"
              "  x:    float32 [2, 3]\n"
              "  mask: float32 [3, 2]\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(given(x, Array::ones({2, 3}, DType::boolean)), DTypeError,
                       Message("dropout: mask must have the dtype of x (x is float32, mask is bool)\n"
                               "  x:    float32 [2, 3]\n"
                               "  mask: bool [2, 3]\n"
                               "  hint: types are never mixed silently; convert one with "
                               "astype(DType::float32)"));
  CHECK_THROWS_AS(given(x, {}), GraphError);
  CHECK_THROWS_AS(given({}, ones({2, 3})), GraphError);
}

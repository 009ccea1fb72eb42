// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/cumsum.hpp>

#include <support/tolerance.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;

namespace {

Variable counting(const Shape& shape, DType dtype) {
  return Variable(Array::arange(shape.size(), dtype).reshape(shape), true);
}

}  // namespace

TEST_CASE("cumsum, by hand", "[cumsum]") {
  struct Case {
    ops::CumsumOptions options;
    Shape shape;
    std::vector<double> values, gradient;  ///< of ones
  };
  const auto c = GENERATE(values<Case>({
      {{}, {6}, {0, 1, 3, 6, 10, 15}, {6, 5, 4, 3, 2, 1}},
      {{.axis = 0}, {2, 3}, {0, 1, 2, 3, 5, 7}, {2, 2, 2, 1, 1, 1}},
      {{.axis = -1}, {2, 3}, {0, 1, 3, 3, 7, 12}, {3, 2, 1, 3, 2, 1}},
      {{.axis = 1, .reverse = true}, {2, 3}, {3, 3, 2, 12, 9, 5}, {1, 2, 3, 1, 2, 3}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x = counting({2, 3}, dtype);
  const Variable y = ops::cumsum(x, c.options);
  CHECK(identical(y.data(), Array::from(c.values, c.shape).astype(dtype)));
  const Variable ones{Array::ones(c.shape, dtype)};
  CHECK(identical(grad({y}, {x}, {ones})[0].data(), Array::from(c.gradient, {2, 3}).astype(dtype)));
}

TEST_CASE("cumsum of long lines and of many lines side by side", "[cumsum]") {
  const Shape shape = GENERATE(values<Shape>({{3, 1000, 1}, {2, 30, 130}, {1, 1, 64}}));
  const Array x = uniform({3, 0}, shape, -1, 1, DType::float32);
  const Array y = ops::cumsum(Variable{x}, {.axis = 1}).data();
  const float* from = x.data<float>();
  Array expected = Array::empty(shape, DType::float32);
  for (std::int64_t outer = 0; outer < shape[0]; ++outer) {
    for (std::int64_t inner = 0; inner < shape[2]; ++inner) {
      double total = 0;
      for (std::int64_t k = 0; k < shape[1]; ++k) {
        const std::int64_t at = (outer * shape[1] + k) * shape[2] + inner;
        total += static_cast<double>(from[at]);
        expected.mutable_data<float>()[at] = static_cast<float>(total);
      }
    }
  }
  CHECK(identical(y, expected));
}

TEST_CASE("cumsum of little, and of axes that are not there", "[cumsum][errors]") {
  CHECK(ops::cumsum(counting({}, DType::float64)).shape() == Shape{1});
  CHECK(ops::cumsum(counting({2, 0}, DType::float64), {.axis = 1}).shape() == Shape{2, 0});
  CHECK_THROWS_MATCHES(
      ops::cumsum(counting({2}, DType::float64), {.axis = 1}), ValueError,
      Catch::Matchers::Message("cumsum: axis must lie in [-1, 0] (it is 1)\n  x: float64 [2]\n"
                               "  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_AS(ops::cumsum(counting({}, DType::float64), {.axis = 0}), ValueError);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/tiling.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Variable counting(const Shape& shape) {
  return Variable(Array::arange(shape.size(), DType::float64).reshape(shape), true);
}

Array numbers(const std::vector<double>& values, const Shape& shape) { return Array::from(values, shape); }

Array gradient_of_ones(const Variable& y, const Variable& x) {
  return grad({y}, {x}, {Variable(Array::ones(y.shape(), DType::float64))})[0].data();
}

}  // namespace

TEST_CASE("repeat and tile, by hand", "[tiling]") {
  const Variable x = counting({2, 2});
  struct Case {
    Variable y;
    Shape shape;
    std::vector<double> values, copies;  ///< `copies` of each element of x
  };
  const std::vector<Case> cases{
      {ops::repeat(x, 2, 0), {4, 2}, {0, 1, 0, 1, 2, 3, 2, 3}, {2, 2, 2, 2}},
      {ops::repeat(x, 2, -1), {2, 4}, {0, 0, 1, 1, 2, 2, 3, 3}, {2, 2, 2, 2}},
      {ops::repeat(x, {0, 3}, 1), {2, 3}, {1, 1, 1, 3, 3, 3}, {0, 3, 0, 3}},
      {ops::repeat(x, {1, 0, 2, 1}), {4}, {0, 2, 2, 3}, {1, 0, 2, 1}},
      {ops::repeat(x, 1), {4}, {0, 1, 2, 3}, {1, 1, 1, 1}},
      {ops::repeat(x, 0, 0), {0, 2}, {}, {0, 0, 0, 0}},
      {ops::tile(x, 2), {2, 4}, {0, 1, 0, 1, 2, 3, 2, 3}, {2, 2, 2, 2}},
      {ops::tile(x, {2, 1}), {4, 2}, {0, 1, 2, 3, 0, 1, 2, 3}, {2, 2, 2, 2}},
      {ops::tile(x, {2, 1, 1}), {2, 2, 2}, {0, 1, 2, 3, 0, 1, 2, 3}, {2, 2, 2, 2}},
      {ops::tile(x, {2, 3}),
       {4, 6},
       {0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3},
       {6, 6, 6, 6}},
      {ops::tile(x, {1, 0}), {2, 0}, {}, {0, 0, 0, 0}},
      {ops::tile(x, std::vector<std::int64_t>{}), {2, 2}, {0, 1, 2, 3}, {1, 1, 1, 1}},
  };
  for (const Case& c : cases) {
    INFO(c.y);
    CHECK(identical(c.y.data(), numbers(c.values, c.shape)));
    CHECK(identical(gradient_of_ones(c.y, x), numbers(c.copies, {2, 2})));
  }
  CHECK(identical(ops::repeat(counting({}), 3).data(), numbers({0, 0, 0}, {3})));
  CHECK(identical(ops::tile(counting({}), {1, 2}).data(), numbers({0, 0}, {1, 2})));
}

TEST_CASE("repeat and tile refuse what does not fit", "[tiling][errors]") {
  const Variable x{Array::zeros({2, 3}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::repeat(x, -1, 0), ValueError,
                       Message("repeat: repeats must not be negative (they are [-1])\n  x: float32 [2, 3]\n"
                               "  hint: 1 leaves an axis as it is, 0 leaves nothing"));
  CHECK_THROWS_MATCHES(ops::repeat(x, {1, 2}, 1), ValueError,
                       Message("repeat: repeats must have 1 or 3 numbers (they have 2)\n  x: float32 [2, 3]\n"
                               "  hint: give one number for all elements, or one for each"));
  CHECK_THROWS_MATCHES(ops::tile(x, {2, -2}), ValueError,
                       Message("tile: reps must not be negative (they are [2, -2])\n  x: float32 [2, 3]\n"
                               "  hint: 1 leaves an axis as it is, 0 leaves nothing"));
  CHECK_THROWS_AS(ops::repeat(x, 2, 2), ValueError);
  CHECK_THROWS_AS(ops::repeat(x, std::int64_t{1} << 62, 1), ValueError);
}

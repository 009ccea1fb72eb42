// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/tensordot.hpp>

#include <support/tolerance.hpp>

#include <catch2/catch.hpp>

#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Variable random(const Shape& shape, std::uint64_t stream) {
  return Variable{uniform({4, stream}, shape, -1, 1, DType::float64)};
}

}  // namespace

TEST_CASE("tensordot adds products up over pairs of axes", "[tensordot]") {
  const Variable a = random({2, 3, 4}, 0);
  const double tolerance = 12 * test::sum_tolerance(DType::float64, 12);
  // y[i, j] = sum over k, l of a[i, k, l] b[l, k, j]
  const Variable b = random({4, 3, 5}, 1);
  const Variable y = ops::tensordot(a, b, {1, -1}, {1, 0});
  const Variable wide_a = ops::reshape(a, {2, 3, 4, 1});
  const Variable wide_b = ops::reshape(ops::transpose(b, Axes{1, 0, 2}), {1, 3, 4, 5});
  REQUIRE(y.shape() == Shape{2, 5});
  CHECK(allclose(y.data(), ops::sum(wide_a * wide_b, {.axis = Axes{1, 2}}).data(), 0, tolerance));
  // The last axes with the first: the same with b's axes in order.
  const Variable turned = ops::transpose(b, Axes{1, 0, 2});
  CHECK(allclose(ops::tensordot(a, turned).data(), y.data(), 0, tolerance));
  CHECK(ops::tensordot(a, random({4, 6}, 2), 1).shape() == Shape{2, 3, 6});
  CHECK(ops::tensordot(a, a, 3).shape() == Shape{});
  // Without a pair every product stands by itself.
  const Variable outer = ops::tensordot(a, random({2}, 3), 0);
  CHECK(allclose(outer.data(), (wide_a * random({2}, 3)).data(), 0, tolerance));
  CHECK(ops::tensordot(a, random({2, 6}, 4), {0}, {0}).shape() == Shape{3, 4, 6});
}

TEST_CASE("tensordot refuses what does not fit", "[tensordot][errors]") {
  const Variable a{Array::zeros({2, 3}, DType::float32)};
  const Variable b{Array::zeros({3, 4}, DType::float32)};
  const std::string described = "\n  a: float32 [2, 3]\n  b: float32 [3, 4]\n  hint: ";
  CHECK_THROWS_MATCHES(
      ops::tensordot(a, b, 2), ShapeError,
      Message("tensordot: axis 0 of a and axis 0 of b must have one size (2 against 3)" + described +
              "name the axes in pairs: the first of a_axes goes with the first of b_axes"));
  CHECK_THROWS_MATCHES(ops::tensordot(a, b, 3), ValueError,
                       Message("tensordot: axes must lie in [0, 2] (it is 3)" + described +
                               "so many last axes of a meet the first ones of b; 1 is the matrix product"));
  CHECK_THROWS_MATCHES(ops::tensordot(a, b, {1}, {0, 1}), ValueError,
                       Message("tensordot: a_axes and b_axes must be as many (a_axes are 1, b_axes are 2)" +
                               described + "the axes of a and b are added over in pairs"));
  CHECK_THROWS_AS(ops::tensordot(a, b, {1, 1}, {0, 1}), ValueError);
  CHECK_THROWS_AS(ops::tensordot(a, b, -1), ValueError);
}

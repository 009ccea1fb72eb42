// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/pad.hpp>

#include <catch2/catch.hpp>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("pad puts a border around, and its gradient takes it off", "[pad]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x{Array::from({1.0, 2.0, 3.0, 4.0}, {2, 2}).astype(dtype), true};
  struct Case {
    Variable y;
    Shape shape;
    std::vector<double> values;
  };
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<Case> cases{
      {ops::pad(x, 1), {4, 4}, {0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0}},
      {ops::pad(x, {1, 0}, {.value = 9}), {3, 3}, {9, 9, 9, 9, 1, 2, 9, 3, 4}},
      {ops::pad(x, {{0, 1}, {2, 0}}, {.value = -inf}),
       {3, 4},
       {-inf, -inf, 1, 2, -inf, -inf, 3, 4, -inf, -inf, -inf, -inf}},
      {ops::pad(x, {{0, 0}, {0, 0}}), {2, 2}, {1, 2, 3, 4}},
  };
  for (const Case& c : cases) {
    CHECK(identical(c.y.data(), Array::from(c.values, c.shape).astype(dtype)));
    CHECK(identical(grad({c.y}, {x}, {c.y.detach()})[0].data(), x.data()));
  }
  CHECK(ops::pad(x, 1, {.value = 0.5}).creator()->attributes() ==
        Attributes{{"shape", "[4, 4]"}, {"value", "0.5"}});
  CHECK(ops::pad(Variable{Array::scalar(2, dtype)}, 3).item() == 2);
  CHECK(identical(ops::pad(Variable{Array::zeros({0}, dtype)}, 1, {.value = 5}).data(),
                  Array::full({2}, 5, dtype)));
}

TEST_CASE("pad refuses widths that do not fit", "[pad][errors]") {
  const Variable x{Array::zeros({2, 3, 4}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::pad(x, {{1, 1}, {2, 2}}), ValueError,
                       Message("pad: widths must have 1 or 3 pairs, one for each axis of x (they have 2)\n"
                               "  x: float32 [2, 3, 4]\n"
                               "  hint: give {before, after} for each axis, or one pair for all"));
  CHECK_THROWS_MATCHES(ops::pad(x, {1, -2}), ValueError,
                       Message("pad: widths must not be negative (one is {1, -2})\n"
                               "  x: float32 [2, 3, 4]\n  hint: get_item cuts elements off"));
  const Variable row{Array::zeros({3}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::pad(row, {{1, 1}, {2, 2}}), ValueError,
                       Message("pad: widths must have 1 pair, one for each axis of x (they have 2)\n"
                               "  x: float32 [3]\n"
                               "  hint: give {before, after} for each axis, or one pair for all"));
  constexpr std::int64_t kHalf = std::int64_t{1} << 62;
  CHECK_THROWS_MATCHES(
      ops::pad(x, {{0, 0}, {kHalf, kHalf}, {0, 0}}), ValueError,
      Message("pad: axis 1 of the result must fit 64 bits (it is 4611686018427387904 + 3 + "
              "4611686018427387904)\n  x: float32 [2, 3, 4]\n  hint: look for a wrong size"));
  CHECK_THROWS_AS(ops::pad(x, {kHalf, kHalf - 1}), ValueError);
  CHECK_THROWS_AS(ops::pad(x, {{0, 0}, {0, 0}, {kHalf, 0}}), ShapeError);  // fits, but not its elements
  CHECK_THROWS_AS(ops::pad(Variable{}, 1), GraphError);
}

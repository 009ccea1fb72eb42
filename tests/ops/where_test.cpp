// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/where.hpp>

#include <catch2/catch.hpp>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Message;

namespace {

Array mask(std::initializer_list<bool> values, const Shape& shape) { return Array::from(values, shape); }

}  // namespace

TEST_CASE("where chooses and broadcasts; the gradient goes where the choice fell", "[where]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto number = [&](std::initializer_list<double> values, const Shape& shape) {
    return Array::from(values, shape).astype(dtype);
  };
  struct Case {
    Array condition, a, b, y, ga, gb;  ///< gy is all ones
  };
  const std::vector<Case> cases{
      {mask({true, false, true}, {3}), number({1, 2, 3}, {3}), number({4, 5, 6}, {3}), number({1, 5, 3}, {3}),
       number({1, 0, 1}, {3}), number({0, 1, 0}, {3})},
      {mask({true, false}, {2, 1}), number({1, 2, 3}, {3}), number({4, 5}, {2, 1}),
       number({1, 2, 3, 5, 5, 5}, {2, 3}), number({1, 1, 1}, {3}), number({0, 3}, {2, 1})},
      {mask({false, true}, {2}), number({7}, {}), number({1, 2, 3, 4}, {2, 2}), number({1, 7, 3, 7}, {2, 2}),
       number({2}, {}), number({1, 0, 1, 0}, {2, 2})},
      {mask({true}, {}), number({1, 2}, {2}), number({3}, {1}), number({1, 2}, {2}), number({1, 1}, {2}),
       number({0}, {1})},
  };
  for (const Case& c : cases) {
    const Variable a{c.a, true};
    const Variable b{c.b, true};
    const Variable y = ops::where(c.condition, a, b);
    CHECK(identical(y.data(), c.y));
    const Variables gradients = grad({y}, {a, b}, {Variable(Array::ones(c.y.shape(), dtype))});
    CHECK(identical(gradients[0].data(), c.ga));
    CHECK(identical(gradients[1].data(), c.gb));
  }
}

TEST_CASE("what where did not choose has no influence", "[where]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Array condition = mask({true, false}, {2});
  const Variable a{Array::from({1.0, nan}, {2}), true};
  const Variable b{Array::from({nan, 2.0}, {2}), true};
  const Variable y = ops::where(condition, a, b);
  CHECK(identical(y.data(), Array::from({1.0, 2.0}, {2})));
  const Variable gy{Array::from({std::numeric_limits<double>::infinity(), nan}, {2})};
  CHECK(identical(grad({y}, {b}, {gy}, {.retain_graph = true})[0].data(), Array::from({0.0, nan}, {2})));
  CHECK(identical(grad({y}, {a}, {gy})[0].data(),
                  Array::from({std::numeric_limits<double>::infinity(), 0.0}, {2})));
}

TEST_CASE("where notices that its condition was changed in place", "[where]") {
  Array condition = mask({true, false}, {2});
  const Variable a{Array::zeros({2}, DType::float32), true};
  const Variable y = ops::sum(ops::where(condition, a, a));
  condition.mutable_data<bool>()[0] = false;
  CHECK_THROWS_WITH(backward(y), Contains("where: mask was changed in place after forward"));
}

TEST_CASE("where of Arrays takes any dtype", "[where]") {
  const auto dtype = GENERATE(DType::int64, DType::uint8, DType::boolean);
  const Array y = where(mask({true, false}, {2}), Array::ones({2}, dtype), Array::zeros({2}, dtype));
  CHECK(identical(y, Array::from({1.0, 0.0}, {2}).astype(dtype)));
  CHECK(identical(equal(y, Array::ones({2}, dtype)), mask({true, false}, {2})));
}

TEST_CASE("where refuses what does not fit", "[where][errors]") {
  const Array condition = mask({true, false}, {2});
  const Variable a{Array::zeros({3, 2}, DType::float32)};
  const Variable wide{Array::zeros({3}, DType::float32)};
  CHECK_THROWS_MATCHES(
      ops::where(Array::ones({2}, DType::float32), a, a), DTypeError,
      Message("where: condition must be bool (it is float32)\n  condition: float32 [2]\n"
              "  a:         float32 [3, 2]\n  b:         float32 [3, 2]\n"
              "  hint: comparisons make bool arrays; numbers become one with astype(DType::boolean)"));
  CHECK_THROWS_MATCHES(
      ops::where(condition, a, wide), ShapeError,
      Message("where: a and b must broadcast (axis -1: a has 2, b has 3)\n"
              "  condition: bool [2]\n"
              "  a:         float32 [3, 2]\n  b:         float32 [3]\n"
              "  hint: axes are aligned at the last one; sizes must be equal or 1, so reshape the "
              "smaller one with axes of size 1"));
  CHECK_THROWS_WITH(ops::where(condition, wide, wide),
                    Contains("condition and a must broadcast (axis -1: condition has 2, a has 3)"));
  CHECK_THROWS_MATCHES(
      ops::where(condition, a, Variable{Array::zeros({2}, DType::float64)}), DTypeError,
      Message("where: b must have the dtype of a (a is float32, b is float64)\n  condition: bool [2]\n"
              "  a:         float32 [3, 2]\n  b:         float64 [2]\n"
              "  hint: types are never mixed silently; convert one with astype"));
  CHECK_THROWS_AS(ops::where(Array{}, a, a), GraphError);
  CHECK_THROWS_AS(ops::where(condition, a, Variable{}), GraphError);
}

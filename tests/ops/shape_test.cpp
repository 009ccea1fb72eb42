// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Variable counting(const Shape& shape, DType dtype = DType::float64) {
  return Variable(Array::arange(shape.size(), dtype).reshape(shape), true);
}

Array gradient(const Variable& y, const Variable& x, const Array& gy) {
  return grad({y}, {x}, {Variable(gy)})[0].data();
}

const std::string kUndefined =
    ": x must not be undefined\n  x: undefined\n"
    "  hint: Variable{} is legal for optional arguments only; give a deferred parameter its data with "
    "initialize";

}  // namespace

TEST_CASE("reshape keeps the order and shares the buffer", "[shape]") {
  const auto [sizes, result] = GENERATE(table<std::vector<std::int64_t>, Shape>({
      {{3, 4}, {3, 4}},
      {{-1}, {12}},
      {{3, -1, 2}, {3, 2, 2}},
      {{1, 12, 1}, {1, 12, 1}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x = counting({2, 6}, dtype);
  const Variable y = ops::reshape(x, sizes);
  CHECK(identical(y.data(), Array::arange(12, dtype).reshape(result)));
  CHECK(y.data().shares_buffer_with(x.data()));
  CHECK(y.creator()->attributes() == Attributes{{"shape", to_string(result)}});
  const Array gy = Array::arange(12, dtype).reshape(result);
  CHECK(identical(gradient(y, x, gy), gy.reshape({2, 6})));
  CHECK(ops::reshape(counting({1}), Shape{}).shape() == Shape{});
  CHECK(ops::reshape(counting({0, 3}), {3, 0}).shape() == Shape{3, 0});
}

TEST_CASE("expand_dims gives an axis of size 1 and squeeze drops it", "[shape]") {
  const auto [axis, shape] = GENERATE(table<std::int64_t, Shape>(
      {{0, {1, 2, 3}}, {1, {2, 1, 3}}, {2, {2, 3, 1}}, {-1, {2, 3, 1}}, {-2, {2, 1, 3}}, {-3, {1, 2, 3}}}));
  const Variable x = counting({2, 3});
  const Variable y = ops::expand_dims(x, axis);
  CHECK(identical(y.data(), x.data().reshape(shape)));
  CHECK(y.data().shares_buffer_with(x.data()));
  CHECK(y.creator()->name() == "expand_dims");
  CHECK(identical(gradient(y, x, y.data()), x.data()));
  const Variable back = ops::squeeze(y, Axes{axis});
  CHECK(identical(back.data(), x.data()));
  CHECK(identical(gradient(back, y, x.data()), y.data()));
  CHECK(ops::squeeze(y).shape() == Shape{2, 3});
}

TEST_CASE("squeeze of several axes and of none", "[shape]") {
  const Variable x = counting({1, 3, 1, 0});
  CHECK(ops::squeeze(x).shape() == Shape{3, 0});
  CHECK(ops::squeeze(x, Axes{}).shape() == x.shape());
  CHECK(ops::squeeze(x, Axes{-2, 0}).shape() == Shape{3, 0});
  CHECK(ops::squeeze(counting({1, 1})).shape() == Shape{});
  CHECK(ops::expand_dims(counting({}), 0).shape() == Shape{1});
}

TEST_CASE("transpose permutes the axes", "[shape]") {
  struct Case {
    std::optional<Axes> axes;
    Shape shape;
    Axes steps;  ///< how far x's elements lie apart along y's axes
  };
  const auto c = GENERATE(values<Case>({
      {std::nullopt, {4, 3, 2}, {1, 4, 12}},
      {Axes{1, 2, 0}, {3, 4, 2}, {4, 1, 12}},
      {Axes{-1, 0, 1}, {4, 2, 3}, {1, 12, 4}},
      {Axes{0, 1, 2}, {2, 3, 4}, {12, 4, 1}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x = counting({2, 3, 4}, dtype);
  const Variable y = ops::transpose(x, c.axes);
  REQUIRE(y.shape() == c.shape);
  const Array values = y.data().astype(DType::int64);
  for (std::int64_t i = 0, at = 0; i < c.shape[0]; ++i) {
    for (std::int64_t j = 0; j < c.shape[1]; ++j) {
      for (std::int64_t k = 0; k < c.shape[2]; ++k, ++at) {
        CHECK(values.data<std::int64_t>()[at] == i * c.steps[0] + j * c.steps[1] + k * c.steps[2]);
      }
    }
  }
  // The gradient moves every element back.
  CHECK(identical(gradient(y, x, y.data()), x.data()));
}

TEST_CASE("axes are moved as in NumPy", "[shape]") {
  const Variable x = counting({2, 3, 4, 5});
  struct Case {
    Variable y;
    Axes order;  ///< y's axis i is x's axis order[i]
  };
  const std::vector<Case> cases{
      {ops::moveaxis(x, 0, -1), {1, 2, 3, 0}},
      {ops::moveaxis(x, -1, 0), {3, 0, 1, 2}},
      {ops::moveaxis(x, 1, 1), {0, 1, 2, 3}},
      {ops::moveaxis(x, Axes{0, 1}, Axes{-1, 0}), {1, 2, 3, 0}},
      {ops::moveaxis(x, Axes{3, 0}, Axes{1, 2}), {1, 3, 0, 2}},
      {ops::moveaxis(x, Axes{}, Axes{}), {0, 1, 2, 3}},
      {ops::rollaxis(x, 2), {2, 0, 1, 3}},
      {ops::rollaxis(x, -1, 1), {0, 3, 1, 2}},
      {ops::rollaxis(x, 1, -1), {0, 2, 1, 3}},
      {ops::rollaxis(x, 1, 4), {0, 2, 3, 1}},
      {ops::rollaxis(x, 1, 1), {0, 1, 2, 3}},
      {ops::rollaxis(x, 1, 2), {0, 1, 2, 3}},
      {ops::rollaxis(x, 3, -4), {3, 0, 1, 2}},
      {ops::swapaxes(x, 0, 2), {2, 1, 0, 3}},
      {ops::swapaxes(x, -1, 1), {0, 3, 2, 1}},
      {ops::swapaxes(x, 2, 2), {0, 1, 2, 3}},
  };
  for (const Case& c : cases) {
    INFO(c.y.creator()->name() << " " << Array::from(c.order, {4}));
    CHECK(identical(c.y.data(), ops::transpose(x, c.order).data()));
    CHECK(identical(gradient(c.y, x, c.y.data()), x.data()));
  }
}

TEST_CASE("flatten makes one axis and flip reverses one", "[shape]") {
  const Variable x = counting({2, 3});
  const Variable flat = ops::flatten(x);
  CHECK(identical(flat.data(), Array::arange(6, DType::float64)));
  CHECK(flat.data().shares_buffer_with(x.data()));
  CHECK(ops::flatten(counting({})).shape() == Shape{1});
  CHECK(identical(gradient(flat, x, flat.data()), x.data()));

  CHECK(identical(ops::flip(x, 0).data(), Array::from({3.0, 4.0, 5.0, 0.0, 1.0, 2.0}, {2, 3})));
  const Variable y = ops::flip(x, -1);
  CHECK(identical(y.data(), Array::from({2.0, 1.0, 0.0, 5.0, 4.0, 3.0}, {2, 3})));
  CHECK(identical(gradient(y, x, y.data()), x.data()));
  CHECK(ops::flip(counting({0, 2}), 0).shape() == Shape{0, 2});
}

TEST_CASE("transpose of few axes", "[shape]") {
  CHECK(ops::transpose(counting({})).shape() == Shape{});
  CHECK(identical(ops::transpose(counting({3})).data(), Array::arange(3, DType::float64)));
  CHECK(ops::transpose(counting({0, 2})).shape() == Shape{2, 0});
}

TEST_CASE("broadcast_to repeats and sum_to adds up again", "[shape]") {
  struct Case {
    Shape small, large;
    double times;
  };
  const auto c = GENERATE(values<Case>({
      {{3, 1}, {2, 3, 4}, 8},
      {{1, 3, 1}, {4, 3, 2}, 8},
      {{4}, {2, 3, 4}, 6},
      {{}, {2, 3}, 6},
      {{2, 3}, {2, 3}, 1},
      {{1, 4}, {3, 4}, 3},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  INFO(c.small << " " << c.large);
  const Variable x = counting(c.small, dtype);
  const Variable y = ops::broadcast_to(x, c.large);
  REQUIRE(y.shape() == c.large);
  const Strides from = broadcast_strides(c.small, c.large);
  const Strides to = contiguous_strides(c.large);
  const Array values = y.data().astype(DType::float64);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < c.large.rank(); ++axis) at += i / to[axis] % c.large[axis] * from[axis];
    CHECK(values.data<double>()[i] == static_cast<double>(at));
  }
  const Array expected = Array::full(c.small, c.times, dtype);
  const Array ones = Array::ones(c.large, dtype);
  CHECK(identical(gradient(y, x, ones), expected));

  const Variable large{ones, true};
  const Variable sum = ops::sum_to(large, c.small);
  CHECK(identical(sum.data(), expected));
  CHECK(identical(gradient(sum, large, x.data()), y.data()));
}

TEST_CASE("shapes refuse what does not fit", "[shape][errors]") {
  const Variable x = counting({2, 3}, DType::float32);
  CHECK_THROWS_MATCHES(
      ops::reshape(x, {4}), ShapeError,
      Message("reshape: x does not fit [4]: the number of elements differs\n  x: float32 [2, 3]\n"
              "  hint: the sizes must multiply to the number of elements; one may be left open with -1"));
  CHECK_THROWS_MATCHES(
      ops::reshape(x, {-1, -1}), ShapeError,
      Message("reshape: x does not fit [-1, -1]: only one size may be -1\n  x: float32 [2, 3]\n"
              "  hint: write the other sizes out"));
  CHECK_THROWS_MATCHES(
      ops::reshape(x, {4, -1}), ShapeError,
      Message("reshape: x does not fit [4, -1]: the open size has no solution\n  x: float32 [2, 3]\n"
              "  hint: the other sizes must divide the number of elements, and none may be 0"));
  CHECK_THROWS_MATCHES(
      ops::reshape(x, {-2, -3}), ShapeError,
      Message("reshape: x does not fit [-2, -3]: a size must not be negative\n  x: float32 [2, 3]\n"
              "  hint: only -1 is allowed, for the one size that is left open"));
  CHECK_THROWS_MATCHES(ops::transpose(x, Axes{0, 0}), ValueError,
                       Message("transpose: axis 0 is named twice in [0, 0]\n  x: float32 [2, 3]\n"
                               "  hint: name each axis once; negative ones count from the end"));
  CHECK_THROWS_MATCHES(ops::transpose(x, Axes{0, 2}), ValueError,
                       Message("transpose: axis must lie in [-2, 1] (it is 2)\n  x: float32 [2, 3]\n"
                               "  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(
      ops::transpose(x, Axes{1}), ValueError,
      Message("transpose: axes must name each of the 2 axes once (they are [1])\n  x: float32 [2, 3]\n"
              "  hint: list all axes in their new order; negative ones count from the end"));
  CHECK_THROWS_MATCHES(ops::broadcast_to(x, {2, 4}), ShapeError,
                       Message("broadcast_to: x does not stretch to [2, 4]\n  x: float32 [2, 3]\n"
                               "  hint: aligned at the end, each size of x must be 1 or that of the result"));
  CHECK_THROWS_MATCHES(ops::broadcast_to(x, {3}), ShapeError,
                       Message("broadcast_to: x does not stretch to [3]\n  x: float32 [2, 3]\n"
                               "  hint: aligned at the end, each size of x must be 1 or that of the result"));
  CHECK_THROWS_MATCHES(ops::sum_to(x, {2}), ShapeError,
                       Message("sum_to: x cannot be summed to [2]\n  x: float32 [2, 3]\n"
                               "  hint: aligned at the end, each size of the result must be 1 or that of x"));
  CHECK_THROWS_MATCHES(ops::expand_dims(x, 3), ValueError,
                       Message("expand_dims: axis must lie in [-3, 2] (it is 3)\n  x: float32 [2, 3]\n"
                               "  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(
      ops::squeeze(x, Axes{1}), ShapeError,
      Message("squeeze: only axes of size 1 can be dropped (axis 1 has size 3)\n  x: float32 [2, 3]\n"
              "  hint: get_item with an integer drops an axis of another size"));
  CHECK_THROWS_AS(ops::squeeze(x, Axes{2}), ValueError);
  CHECK_THROWS_MATCHES(
      ops::moveaxis(x, Axes{0, 1}, Axes{0}), ValueError,
      Message("moveaxis: source and destination must name as many axes ([0, 1] against [0])\n"
              "  x: float32 [2, 3]\n"
              "  hint: each axis of source goes to the place that stands beside it in destination"));
  CHECK_THROWS_AS(ops::moveaxis(x, Axes{0, 0}, Axes{0, 1}), ValueError);
  CHECK_THROWS_AS(ops::moveaxis(x, 0, 2), ValueError);
  CHECK_THROWS_MATCHES(ops::rollaxis(x, 0, 3), ValueError,
                       Message("rollaxis: start must lie in [-2, 2] (it is 3)\n  x: float32 [2, 3]\n"
                               "  hint: the axis is put before that axis; the rank puts it last"));
  CHECK_THROWS_AS(ops::swapaxes(x, 0, 2), ValueError);
  CHECK_THROWS_AS(ops::flip(x, -3), ValueError);
  CHECK_THROWS_MATCHES(ops::flip(counting({}), 0), ValueError,
                       Message("flip: axis must be left out, since there are none (it is 0)\n"
                               "  x: float64 []\n  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(ops::expand_dims(Variable{}, 0), GraphError, Message("expand_dims" + kUndefined));
  CHECK_THROWS_MATCHES(ops::squeeze(Variable{}), GraphError, Message("squeeze" + kUndefined));
  CHECK_THROWS_MATCHES(ops::reshape(Variable{}, {1}), GraphError, Message("reshape" + kUndefined));
  CHECK_THROWS_MATCHES(ops::transpose(Variable{}), GraphError, Message("transpose" + kUndefined));
  CHECK_THROWS_MATCHES(ops::broadcast_to(Variable{}, {1}), GraphError, Message("broadcast_to" + kUndefined));
  CHECK_THROWS_MATCHES(ops::sum_to(Variable{}, {1}), GraphError, Message("sum_to" + kUndefined));
}

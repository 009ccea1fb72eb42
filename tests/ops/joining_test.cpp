// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/joining.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

/// first, first + 1, ...
Variable counting(const Shape& shape, double first = 0) {
  Array x = Array::arange(shape.size(), DType::float64).reshape(shape);
  add_into(x, Array::full(shape, first, DType::float64));
  return Variable(x, true);
}

Array numbers(const std::vector<double>& values, const Shape& shape) { return Array::from(values, shape); }

}  // namespace

TEST_CASE("concat and stack put arrays one after the other", "[joining]") {
  const Variable a = counting({2, 2});
  const Variable b = counting({2, 2}, 10);
  struct Case {
    Variable y;
    Shape shape;
    std::vector<double> values;
  };
  const std::vector<Case> cases{
      {ops::concat({a, b}, 0), {4, 2}, {0, 1, 2, 3, 10, 11, 12, 13}},
      {ops::concat({a, b}), {2, 4}, {0, 1, 10, 11, 2, 3, 12, 13}},
      {ops::concat({a, b}, -2), {4, 2}, {0, 1, 2, 3, 10, 11, 12, 13}},
      {ops::stack({a, b}), {2, 2, 2}, {0, 1, 2, 3, 10, 11, 12, 13}},
      {ops::stack({a, b}, 1), {2, 2, 2}, {0, 1, 10, 11, 2, 3, 12, 13}},
      {ops::stack({a, b}, -1), {2, 2, 2}, {0, 10, 1, 11, 2, 12, 3, 13}},
  };
  for (const Case& c : cases) {
    CHECK(identical(c.y.data(), numbers(c.values, c.shape)));
    // With y itself as its gradient, each input gets its own elements back.
    const Variables gradients = grad({c.y}, {a, b}, {c.y.detach()});
    CHECK(identical(gradients[0].data(), a.data()));
    CHECK(identical(gradients[1].data(), b.data()));
  }
  CHECK(ops::concat({a, b}, -1).creator()->attributes() == Attributes{{"axis", "-1"}});
}

TEST_CASE("concat of unequal, empty and single arrays", "[joining]") {
  const Variable none = counting({2, 0});
  const Variable wide = counting({2, 3});
  const Variable y = ops::concat({none, wide, none, counting({2, 1}, 7)}, 1);
  CHECK(identical(y.data(), numbers({0, 1, 2, 7, 3, 4, 5, 8}, {2, 4})));
  CHECK(grad({y}, {none}, {y.detach()})[0].shape() == Shape{2, 0});
  CHECK(identical(ops::concat({wide}, 0).data(), wide.data()));
  CHECK(ops::concat({none, none}, 1).shape() == Shape{2, 0});
  CHECK(ops::stack({counting({}), counting({}, 5)}).shape() == Shape{2});
}

TEST_CASE("an array may be joined with itself", "[joining]") {
  const Variable x = counting({3});
  const Variable y = ops::concat({x, x}, 0);
  CHECK(identical(grad({y}, {x}, {counting({6})})[0].data(), numbers({3, 5, 7}, {3})));
}

TEST_CASE("more inputs than fit one machine word", "[joining]") {
  Variables xs;
  for (int k = 0; k < 200; ++k) xs.emplace_back(Array::full({2}, k, DType::float64), k % 3 != 1);
  const Variable y = ops::stack(xs);
  CHECK(y.shape() == Shape{200, 2});
  const bool create_graph = GENERATE(false, true);
  backward(ops::sum(y * y), {.create_graph = create_graph});
  for (int k = 0; k < 200; ++k) {
    const Variable& x = xs[static_cast<std::size_t>(k)];
    REQUIRE(x.grad().defined() == (k % 3 != 1));
    if (x.grad().defined()) CHECK(identical(x.grad().data(), Array::full({2}, 2 * k, DType::float64)));
  }
}

TEST_CASE("split_axis cuts into sections or at indices", "[joining]") {
  const Variable x = counting({2, 6});
  const Variables halves = ops::split_axis(x, 2, 1);
  REQUIRE(halves.size() == 2);
  CHECK(identical(halves[0].data(), numbers({0, 1, 2, 6, 7, 8}, {2, 3})));
  CHECK(identical(halves[1].data(), numbers({3, 4, 5, 9, 10, 11}, {2, 3})));
  const Variables parts = ops::split_axis(x, {0, 1, 1, 4}, -1);
  REQUIRE(parts.size() == 5);
  CHECK(parts[0].shape() == Shape{2, 0});
  CHECK(identical(parts[1].data(), numbers({0, 6}, {2, 1})));
  CHECK(parts[2].shape() == Shape{2, 0});
  CHECK(identical(parts[4].data(), numbers({4, 5, 10, 11}, {2, 2})));
  // One index, not one section.
  CHECK(ops::split_axis(x, {1}, 0).size() == 2);
  CHECK(ops::split_axis(x, std::vector<std::int64_t>{}, 0).size() == 1);
}

TEST_CASE("parts of split_axis that no gradient reaches count as 0", "[joining]") {
  const Variable x = counting({6});
  const bool create_graph = GENERATE(false, true);
  const Variables parts = ops::split_axis(x, {1, 4}, 0);
  const Variable y = ops::sum(parts[1] * parts[1]);
  backward(y, {.create_graph = create_graph});
  CHECK(identical(x.grad().data(), numbers({0, 2, 4, 6, 0, 0}, {6})));
  // A second use adds to it.
  backward(ops::sum(ops::split_axis(x, 3, 0)[2]), {.create_graph = create_graph});
  CHECK(identical(x.grad().data(), numbers({0, 2, 4, 6, 1, 1}, {6})));
}

TEST_CASE("hstack and vstack join by the number of axes", "[joining]") {
  const Variable a = counting({2, 2}), b = counting({2, 1}, 10), row = counting({1, 2}, 20);
  CHECK(identical(ops::hstack({a, b}).data(), numbers({0, 1, 10, 2, 3, 11}, {2, 3})));
  CHECK(identical(ops::vstack({a, row}).data(), numbers({0, 1, 2, 3, 20, 21}, {3, 2})));
  const Variable v = counting({2}), w = counting({2}, 5);
  CHECK(identical(ops::hstack({v, w}).data(), numbers({0, 1, 5, 6}, {4})));
  const Variable rows = ops::vstack({v, w});
  CHECK(identical(rows.data(), numbers({0, 1, 5, 6}, {2, 2})));
  CHECK(identical(grad({rows}, {w}, {rows.detach()})[0].data(), w.data()));
  CHECK(ops::hstack({counting({1}), counting({3})}).shape() == Shape{4});
  CHECK(ops::hstack({counting({}), counting({}, 5)}).shape() == Shape{2});
  CHECK(ops::vstack({counting({}), counting({}, 5)}).shape() == Shape{2, 1});
  CHECK_THROWS_MATCHES(ops::vstack({v, counting({3})}), ShapeError,
                       Message("vstack: axis 0 of xs[1] must have the size it has in xs[0] (3 against 2)\n"
                               "  xs[0]: float64 [2]\n  xs[1]: float64 [3]\n"
                               "  hint: stack needs equal shapes; concat joins along an axis that exists"));
  CHECK_THROWS_AS(ops::hstack({v, counting({})}), ShapeError);
  CHECK_THROWS_AS(ops::hstack({}), ValueError);
}

TEST_CASE("separate takes an axis apart", "[joining]") {
  const Variable x = counting({2, 3});
  const Variables columns = ops::separate(x, -1);
  REQUIRE(columns.size() == 3);
  CHECK(identical(columns[1].data(), numbers({1, 4}, {2})));
  CHECK(identical(grad({columns[1]}, {x}, {columns[1].detach()})[0].data(),
                  numbers({0, 1, 0, 0, 4, 0}, {2, 3})));
  CHECK(ops::separate(x).size() == 2);
  CHECK(identical(ops::stack(ops::separate(x, 1), 1).data(), x.data()));
  CHECK_THROWS_MATCHES(ops::separate(counting({2, 0}), 1), ValueError,
                       Message("separate: axis 1 must have elements to separate (it has size 0)\n"
                               "  x: float64 [2, 0]\n  hint: leave empty arrays out"));
}

TEST_CASE("Arrays of any dtype are joined and split", "[joining]") {
  const auto dtype = GENERATE(DType::int64, DType::int32, DType::uint8, DType::boolean, DType::float64);
  const Array x = Array::arange(6, dtype).reshape({3, 2});
  const Arrays rows = ops::split_axis(x, 3, 0);
  REQUIRE(rows.size() == 3);
  CHECK(identical(ops::concat(rows, 0), x));
  CHECK(identical(ops::stack({x, x}, 0).reshape({6, 2}), ops::concat({x, x}, 0)));
  CHECK(identical(ops::concat(ops::split_axis(x, {1, 1}, 0), 0), x));
}

TEST_CASE("joining refuses what does not fit", "[joining][errors]") {
  const Variable a{Array::zeros({2, 3}, DType::float32)};
  const Variable longer{Array::zeros({3, 3}, DType::float32)};
  const std::string first = "\n  xs[0]: float32 [2, 3]";
  CHECK_THROWS_MATCHES(ops::concat(Variables{}), ValueError,
                       Message("concat: xs must have at least one element\n"
                               "  hint: with nothing to join, the result has no shape and no dtype"));
  CHECK_THROWS_MATCHES(ops::concat({a, a}, 2), ValueError,
                       Message("concat: axis must lie in [-2, 1] (it is 2)" + first +
                               "\n  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(ops::stack({a, a}, 3), ValueError,
                       Message("stack: axis must lie in [-3, 2] (it is 3)" + first +
                               "\n  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(
      ops::concat({a, a, longer}, 1), ShapeError,
      Message("concat: axis 0 of xs[2] must have the size it has in xs[0] (3 against 2)" + first +
              "\n  xs[2]: float32 [3, 3]"
              "\n  hint: only along the axis where they are joined may sizes differ"));
  CHECK_THROWS_MATCHES(
      ops::stack({a, longer}), ShapeError,
      Message("stack: axis 0 of xs[1] must have the size it has in xs[0] (3 against 2)" + first +
              "\n  xs[1]: float32 [3, 3]"
              "\n  hint: stack needs equal shapes; concat joins along an axis that exists"));
  const Variable endless{Array::zeros({0, std::int64_t{1} << 62}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::concat({endless, endless}, 1), ValueError,
                       Message("concat: axis 1 of the result must fit 64 bits (it is 4611686018427387904 + "
                               "4611686018427387904)\n  xs[0]: float32 [0, 4611686018427387904]"
                               "\n  hint: look for a wrong size"));
  CHECK_THROWS_MATCHES(ops::concat({a, Variable{Array::zeros({2}, DType::float32)}}), ShapeError,
                       Message("concat: xs[1] must have as many axes as xs[0] (1 against 2)" + first +
                               "\n  xs[1]: float32 [2]"
                               "\n  hint: reshape or expand_dims gives it the right number of axes"));
  CHECK_THROWS_AS(ops::concat({a, Variable{Array::zeros({2, 3}, DType::float64)}}), DTypeError);
  CHECK_THROWS_AS(ops::concat({a, Variable{}}), GraphError);
  CHECK_THROWS_AS(ops::stack({Variable{}, a}), GraphError);

  const std::string x = "\n  x: float32 [2, 3]\n  hint: ";
  CHECK_THROWS_MATCHES(ops::split_axis(a, 2, 1), ValueError,
                       Message("split_axis: sections must divide axis 1, which has size 3 (they are 2)" + x +
                               "give the indices where the parts begin to cut into unequal ones"));
  CHECK_THROWS_AS(ops::split_axis(a, 0, 1), ValueError);
  CHECK_THROWS_MATCHES(
      ops::split_axis(a, {2, 1}, 1), ValueError,
      Message("split_axis: indices must ascend and lie in [0, 3], the size of axis 1 (they are [2, 1])" + x +
              "each index is where a part begins; equal ones give empty parts"));
  CHECK_THROWS_AS(ops::split_axis(a, {-1}, 1), ValueError);
  CHECK_THROWS_AS(ops::split_axis(a, {4}, 1), ValueError);
  CHECK_THROWS_MATCHES(ops::split_axis(a, 1, -3), ValueError,
                       Message("split_axis: axis must lie in [-2, 1] (it is -3)" + x +
                               "axes count from 0, negative ones from the end"));
  CHECK_THROWS_AS(ops::split_axis(Variable{}, 1, 0), GraphError);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/get_item.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

Array positions(std::initializer_list<std::int64_t> values, const Shape& shape) {
  return Array::from(values, shape);
}

struct Case {
  Indices indices;
  Shape shape;
  std::vector<std::int64_t> taken;  ///< positions in x, row by row
};

/// What NumPy gives for arange(24).reshape(2, 3, 4)[indices].
std::vector<Case> cases() {
  return {
      {{}, {2, 3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{1}, {3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{-1, 2}, {4}, {20, 21, 22, 23}},
      {{1, 2, 3}, {}, {23}},
      {{Slice{0, 1}}, {1, 3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {{Slice{}, Slice{.start = 1}}, {2, 2, 4}, {4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{Slice{.step = -1}}, {2, 3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
                                        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11}},
      {{Slice{}, Slice{.step = 2}, Slice{3, 0, -2}}, {2, 2, 2}, {3, 1, 11, 9, 15, 13, 23, 21}},
      {{Slice{}, Slice{.start = -2}, Slice{.stop = -1}},
       {2, 2, 3},
       {4, 5, 6, 8, 9, 10, 16, 17, 18, 20, 21, 22}},
      {{0, Slice{5, -9, -1}}, {3, 4}, {8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3}},
      {{0, Slice{-9, 9}}, {3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {{0, Slice{2, 1}}, {0, 4}, {}},
      {{newaxis, 1}, {1, 3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{ellipsis, newaxis}, {2, 3, 4, 1}, {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                           12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{ellipsis, 0}, {2, 3}, {0, 4, 8, 12, 16, 20}},
      {{0, ellipsis, 1}, {3}, {1, 5, 9}},
      {{1, newaxis, Slice{}, newaxis, 0}, {1, 3, 1}, {12, 16, 20}},
      {{ellipsis, Slice{.step = 3}}, {2, 3, 2}, {0, 3, 4, 7, 8, 11, 12, 15, 16, 19, 20, 23}},
      {{positions({1, 0, 1}, {3})}, {3, 3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
                                                0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                                12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{Slice{}, positions({2, 0, 2, 1}, {4})}, {2, 4, 4}, {8,  9,  10, 11, 0,  1,  2,  3,  8,  9,  10,
                                                            11, 4,  5,  6,  7,  20, 21, 22, 23, 12, 13,
                                                            14, 15, 20, 21, 22, 23, 16, 17, 18, 19}},
      {{Slice{}, Slice{}, positions({0, -1, 2, 2}, {2, 2})},
       {2, 3, 2, 2},
       {0, 3, 2, 2, 4, 7, 6, 6, 8, 11, 10, 10, 12, 15, 14, 14, 16, 19, 18, 18, 20, 23, 22, 22}},
      {{positions({0, 1}, {2}), positions({2, -1}, {2})}, {2, 4}, {8, 9, 10, 11, 20, 21, 22, 23}},
      {{positions({0, 1}, {2, 1}), positions({0, 2}, {2})},
       {2, 2, 4},
       {0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23}},
      {{positions({0, 1}, {2}), Slice{}, positions({3, 0}, {2})}, {2, 3}, {3, 7, 11, 12, 16, 20}},
      {{0, Slice{}, positions({1, 3}, {2})}, {2, 3}, {1, 5, 9, 3, 7, 11}},
      {{Slice{}, 1, positions({1, 3}, {2})}, {2, 2}, {5, 7, 17, 19}},
      {{Slice{}, positions({0, 2}, {2}), 3}, {2, 2}, {3, 11, 15, 23}},
      {{positions({1}, {})}, {3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{ellipsis, positions({3, 3}, {2})}, {2, 3, 2}, {3, 3, 7, 7, 11, 11, 15, 15, 19, 19, 23, 23}},
      {{newaxis, positions({1, 0}, {2}), Slice{.step = -2}},
       {1, 2, 2, 4},
       {20, 21, 22, 23, 12, 13, 14, 15, 8, 9, 10, 11, 0, 1, 2, 3}},
      {{Slice{.step = -1}, positions({0, 2}, {2}), Slice{.start = 3, .step = -3}},
       {2, 2, 2},
       {15, 12, 23, 20, 3, 0, 11, 8}},
      {{positions({}, {0})}, {0, 3, 4}, {}},
      {{Slice{}, positions({0, 2}, {2}), ellipsis, positions({1, 3}, {2})}, {2, 2}, {1, 13, 11, 23}},
      {{Slice{}, 2, ellipsis, positions({1, 3}, {2})}, {2, 2}, {9, 21, 11, 23}},
      {{ellipsis, positions({0, 2}, {2}), positions({1, 3}, {2})}, {2, 2}, {1, 11, 13, 23}},
      {{Slice{}, positions({0, 2}, {2}), positions({1, 3}, {2}), ellipsis}, {2, 2}, {1, 11, 13, 23}},
      {{positions({1}, {1}), newaxis, positions({2}, {1})}, {1, 1, 4}, {20, 21, 22, 23}},
      {{Slice{.step = -1}, Slice{}, positions({1, 2}, {1, 2})},
       {2, 3, 1, 2},
       {13, 14, 17, 18, 21, 22, 1, 2, 5, 6, 9, 10}},
  };
}

}  // namespace

TEST_CASE("get_item takes what NumPy takes, and its gradient goes back there", "[get_item]") {
  const auto c = GENERATE(from_range(cases()));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  INFO(to_string(c.indices));
  const Variable x{Array::arange(24, dtype).reshape({2, 3, 4}), true};
  const Variable y = ops::get_item(x, c.indices);
  CHECK(identical(y.data(), Array::from(c.taken, c.shape).astype(dtype)));
  CHECK(y.creator()->attributes() == Attributes{{"index", to_string(c.indices)}});

  std::vector<double> expected(24, 0.0);
  double value = 1;
  for (const std::int64_t at : c.taken) expected[static_cast<std::size_t>(at)] += value++;
  Array gy = Array::arange(y.size(), dtype).reshape(c.shape);
  add_into(gy, Array::ones(c.shape, dtype));
  CHECK(identical(grad({y}, {x}, {Variable(gy)})[0].data(), Array::from(expected, {2, 3, 4}).astype(dtype)));
}

TEST_CASE("get_item of Arrays keeps any dtype", "[get_item]") {
  const auto dtype = GENERATE(DType::int64, DType::int32, DType::uint8, DType::boolean, DType::float32);
  const Array x = Array::arange(6, dtype).reshape({2, 3});
  const Array reversed = Array::from<double>({5, 4, 3, 2, 1, 0}, {2, 3}).astype(dtype);
  CHECK(identical(ops::get_item(x, {Slice{.step = -1}, Slice{.step = -1}}), reversed));
  const Array rows = Array::from<std::int32_t>({-1, 0, 1}, {3});
  CHECK(ops::get_item(x, {rows}).dtype() == dtype);
  CHECK(ops::get_item(x, {rows}).shape() == Shape{3, 3});
  CHECK(identical(ops::get_item(Array::scalar(3, dtype), {newaxis}), Array::full({1}, 3, dtype)));
}

TEST_CASE("slices of one array add up in one gradient", "[get_item]") {
  const Variable x{Array::arange(6, DType::float64), true};
  Variable total = ops::sum(ops::get_item(x, {Slice{0, 4}}) * 2.0);
  total = total + ops::sum(ops::get_item(x, {Slice{2, 6}}) * 3.0) + ops::get_item(x, {-1}) * 10.0;
  backward(total);
  CHECK(identical(x.grad().data(), Array::from({2.0, 2.0, 5.0, 5.0, 3.0, 13.0}, {6})));
}

TEST_CASE("repeated positions are added in the same order by any number of threads", "[get_item]") {
  const Shape shape = GENERATE(values<Shape>({{37, 500}, {500, 37}, {3, 41, 200}}));
  const std::int64_t axis = GENERATE(0, 1);
  const std::int64_t count = 3000;
  std::vector<std::int64_t> taken;
  for (std::int64_t i = 0; i < count; ++i) taken.push_back(i * i % 7 % shape[static_cast<std::size_t>(axis)]);
  Indices indices(static_cast<std::size_t>(axis), Slice{});
  indices.emplace_back(Array::from(taken, {count}));
  const Variable x{Array::zeros(shape, DType::float32), true};
  const Variable gy{normal({3, 0}, ops::get_item(x, indices).shape(), 0, 1, DType::float32)};
  const int before = num_threads();
  std::vector<Array> results;
  for (const int threads : {1, 2, 3, 5}) {
    set_num_threads(threads);
    results.push_back(grad({ops::get_item(x, indices)}, {x}, {gy})[0].data());
  }
  set_num_threads(before);
  for (const Array& result : results) CHECK(identical(result, results[0]));
  CHECK(ops::sum(Variable(results[0]) * Variable(results[0])).item() > 0);
}

TEST_CASE("select_item takes one element of each row", "[get_item]") {
  const auto label_dtype = GENERATE(DType::int32, DType::int64);
  const Variable x{Array::arange(6, DType::float32).reshape({3, 2}), true};
  const Array t = positions({1, 0, 1}, {3}).astype(label_dtype);
  const Variable y = ops::select_item(x, t);
  CHECK(identical(y.data(), Array::from<float>({1, 2, 5}, {3})));
  CHECK(identical(grad({y}, {x}, {y.detach()})[0].data(), Array::from<float>({0, 1, 2, 0, 0, 5}, {3, 2})));
  CHECK_THROWS_MATCHES(ops::select_item(x, positions({1, 2, 0}, {3})), ValueError,
                       Message("select_item: labels must lie in [0, 2) (t[1] is 2)\n"
                               "  x: float32 [3, 2]  (n, classes)\n  t: int64 [3]       (n)\n"
                               "  hint: they count the columns of x from 0"));
  CHECK_THROWS_AS(ops::select_item(x, positions({-1, 0, 0}, {3})), ValueError);
  CHECK_THROWS_AS(ops::select_item(x, positions({0, 0}, {2})), ShapeError);
}

TEST_CASE("scatter_add adds to what the indices name", "[get_item]") {
  const Variable a{Array::zeros({3, 2}, DType::float64), true};
  const Variable b{Array::from({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {3, 2}), true};
  const Variable y = ops::scatter_add(a, {positions({0, 2, 0}, {3})}, b);
  CHECK(identical(y.data(), Array::from({6.0, 8.0, 0.0, 0.0, 3.0, 4.0}, {3, 2})));
  CHECK(a.data().data<double>()[0] == 0);
  const Variables gradients = grad({y}, {a, b}, {Variable(Array::arange(6, DType::float64).reshape({3, 2}))});
  CHECK(identical(gradients[0].data(), Array::arange(6, DType::float64).reshape({3, 2})));
  CHECK(identical(gradients[1].data(), Array::from({0.0, 1.0, 4.0, 5.0, 0.0, 1.0}, {3, 2})));
  const Variable one{Array::ones({1}, DType::float64), true};
  const Variable column = ops::scatter_add(a, {Slice{}, -1}, one);
  CHECK(identical(column.data(), Array::from({0.0, 1.0, 0.0, 1.0, 0.0, 1.0}, {3, 2})));
  CHECK(grad({column}, {one}, {Variable(Array::ones({3, 2}, DType::float64))})[0].item() == 3);
  CHECK_THROWS_MATCHES(ops::scatter_add(a, {0}, b), ShapeError,
                       Message("scatter_add: b must broadcast to a[indices] ([3, 2] against [2])\n"
                               "  a: float64 [3, 2]\n  b: float64 [3, 2]\n"
                               "  hint: aligned at the end, each size of b must be 1 or that of a[indices]"));
}

TEST_CASE("get_item refuses what is not there", "[get_item][errors]") {
  const Variable x{Array::zeros({2, 3}, DType::float32)};
  const std::string described = "\n  x: float32 [2, 3]\n  hint: ";
  CHECK_THROWS_MATCHES(ops::get_item(x, {0, ellipsis, 0, newaxis, 0}), ShapeError,
                       Message("get_item: [0, ..., 0, newaxis, 0] has 3 indices for 2 axes" + described +
                               "newaxis and ellipsis do not count, everything else takes one axis"));
  CHECK_THROWS_MATCHES(ops::get_item(x, {0, 3}), ValueError,
                       Message("get_item: index 3 is out of range for axis 1, which has size 3" + described +
                               "positions go from -3 to 2"));
  CHECK_THROWS_MATCHES(ops::get_item(x, {-3}), ValueError,
                       Message("get_item: index -3 is out of range for axis 0, which has size 2" + described +
                               "positions go from -2 to 1"));
  CHECK_THROWS_MATCHES(ops::get_item(x, {Slice{}, positions({0, 5}, {2})}), ValueError,
                       Message("get_item: index 5 is out of range for axis 1, which has size 3" + described +
                               "positions go from -3 to 2"));
  CHECK_THROWS_MATCHES(ops::get_item(x, {newaxis, Slice{1, 2, 0}}), ValueError,
                       Message("get_item: the step of a slice must not be 0 (axis 0, [newaxis, 1:2:0])" +
                               described + "negative steps walk backwards, 1 takes every element"));
  CHECK_THROWS_MATCHES(ops::get_item(x, {ellipsis, 0, ellipsis}), ValueError,
                       Message("get_item: only one ellipsis may stand in [..., 0, ...]" + described +
                               "write Slice{} for each axis that the others would stand for"));
  CHECK_THROWS_MATCHES(
      ops::get_item(x, {positions({0, 1}, {2}), positions({0, 1, 2}, {3})}), ShapeError,
      Message("get_item: the index arrays of [int64 [2], int64 [3]] do not broadcast" + described +
              "index arrays belong together like the arguments of add: position by position"));
  CHECK_THROWS_MATCHES(ops::get_item(x, {Array::zeros({2}, DType::float32)}), DTypeError,
                       Message("get_item: an index array must be int32 or int64 (it is float32 [2])" +
                               described + "convert it with astype(DType::int64)"));
  CHECK_THROWS_MATCHES(
      ops::get_item(x, {Array::zeros({2}, DType::boolean)}), DTypeError,
      Message("get_item: an index array must be int32 or int64 (it is bool [2])" + described +
              "a mask does not select: where() keeps the shape and chooses by a mask"));
  CHECK_THROWS_MATCHES(ops::get_item(Variable{Array::zeros({0}, DType::float32)}, {0}), ValueError,
                       Message("get_item: index 0 is out of range for axis 0, which has size 0\n"
                               "  x: float32 [0]\n  hint: the axis has no elements"));
  CHECK_THROWS_AS(ops::get_item(Variable{}, {0}), GraphError);
  CHECK_THROWS_AS(ops::get_item(Array{}, {0}), GraphError);
}

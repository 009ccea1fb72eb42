// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <limits>

#include <fathom/core/array.hpp>
#include <fathom/core/check.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Contains;

TEST_CASE("factories", "[array]") {
  CHECK(to_string(Array::zeros({2, 2}, DType::float32)) == "[[0, 0],\n [0, 0]]  float32 [2, 2]");
  CHECK(to_string(Array::ones({2}, DType::uint8)) == "[1, 1]  uint8 [2]");
  CHECK(to_string(Array::full({1, 2}, 2.5, DType::float64)) == "[[2.5, 2.5]]  float64 [1, 2]");
  CHECK(to_string(Array::arange(3, DType::int64)) == "[0, 1, 2]  int64 [3]");
  CHECK(to_string(Array::scalar(7, DType::int32)) == "7  int32 []");
  CHECK(to_string(Array::from({true, false}, {2})) == "[ true, false]  bool [2]");
  CHECK(to_string(Array::from(std::vector<float>{1, 2, 3, 4}, {2, 2})) ==
        "[[1, 2],\n [3, 4]]  float32 [2, 2]");
  CHECK(Array::empty({3, 0}, DType::float32).size() == 0);
  CHECK_THROWS_WITH(Array::from({1.0, 2.0}, {3}),
                    "Array: 2 values do not fill the shape [3], which has 3 elements\n"
                    "  hint: give one value for each element, row by row");
}

TEST_CASE("copies are shallow, copy() is deep", "[array]") {
  Array a = Array::from({1.0f, 2.0f}, {2});
  const Array shared = a;
  const Array deep = a.copy();
  CHECK_FALSE(a.is_unique());
  const std::uint64_t version = shared.version();
  a.mutable_data<float>()[0] = 5;
  CHECK(shared.data<float>()[0] == 5);
  CHECK(deep.data<float>()[0] == 1);
  CHECK(shared.version() == version + 1);
  CHECK(shared.shares_buffer_with(a));
  CHECK_FALSE(deep.shares_buffer_with(a));
}

TEST_CASE("buffers are aligned and have readable slack on either side", "[array]") {
  const Array a = Array::zeros({3}, DType::float32);
  CHECK(reinterpret_cast<std::uintptr_t>(a.raw_data()) % 64 == 0);
  volatile float sink = 0;
  const float* data = a.data<float>();
  for (int i = 1; i <= 16; ++i) sink = data[-i];  // the sanitizer would see a slack that is missing
  for (int i = 0; i < 16; ++i) sink = data[3 + i];
  static_cast<void>(sink);
}

TEST_CASE("a wrong element type is refused, naming both", "[array]") {
  Array a = Array::zeros({2, 3}, DType::float32);
  CHECK_THROWS_WITH(a.data<double>(),
                    "Array: data<float64>() of an array of float32 [2, 3]\n  hint: read it as float32 or "
                    "convert it with astype");
  CHECK_THROWS_AS(a.mutable_data<std::int64_t>(), DTypeError);
  CHECK_THROWS_WITH(dispatch_float(DType::int32, "op", []<class T>() { return sizeof(T); }),
                    "op: the array must be float32 or float64 (it is int32)\n  hint: convert it with astype");
  CHECK_THROWS_WITH(dispatch_index(DType::uint8, "op", []<class T>() { return sizeof(T); }),
                    "op: the array must be int32 or int64 (it is uint8)\n  hint: convert it with astype");
}

TEST_CASE("an undefined array has nothing", "[array]") {
  const Array a;
  CHECK_FALSE(a.defined());
  CHECK(describe(a) == "undefined");
  CHECK_THROWS_AS(a.shape(), GraphError);
  CHECK_THROWS_AS(a.dtype(), GraphError);
  CHECK_THROWS_AS(a.raw_data(), GraphError);
}

TEST_CASE("reshape shares the buffer and finds one open size", "[array]") {
  const Array a = Array::arange(12, DType::float64);
  CHECK(a.reshape({3, -1}).shape() == Shape{3, 4});
  CHECK(a.reshape({3, 4}).shares_buffer_with(a));
  CHECK(Array::zeros({0, 3}, DType::float32).reshape({0}).shape() == Shape{0});
  CHECK_THROWS_WITH(a.reshape({5, -1}),
                    "reshape: x does not fit [5, -1]: the open size has no solution\n  x: float64 [12]\n"
                    "  hint: the other sizes must divide the number of elements, and none may be 0");
  CHECK_THROWS_WITH(a.reshape({-1, -1}),
                    "reshape: x does not fit [-1, -1]: only one size may be -1\n  x: float64 [12]\n"
                    "  hint: write the other sizes out");
  CHECK_THROWS_WITH(
      a.reshape({13}),
      "reshape: x does not fit [13]: the number of elements differs\n  x: float64 [12]\n"
      "  hint: the sizes must multiply to the number of elements; one may be left open with -1");
  CHECK_THROWS_WITH(a.reshape({-12}),
                    "reshape: x does not fit [-12]: a size must not be negative\n  x: float64 [12]\n"
                    "  hint: only -1 is allowed, for the one size that is left open");
  CHECK_THROWS_AS(Array::zeros({0}, DType::float32).reshape({0, -1}), ShapeError);
  const std::int64_t large = std::int64_t{1} << 40;
  CHECK_THROWS_AS(a.reshape({large, large}), ShapeError);
}

TEST_CASE("conversion between all types", "[array]") {
  const auto from =
      GENERATE(DType::float32, DType::float64, DType::int64, DType::int32, DType::uint8, DType::boolean);
  const auto to =
      GENERATE(DType::float32, DType::float64, DType::int64, DType::int32, DType::uint8, DType::boolean);
  const Array a = Array::from({0.0, 1.0, 1.0}, {3}).astype(from);
  const Array b = a.astype(to);
  CHECK(b.dtype() == to);
  CHECK(allclose(b.astype(DType::float64), Array::from({0.0, 1.0, 1.0}, {3})));
  CHECK(b.shares_buffer_with(a) == (from == to));
}

TEST_CASE("item, shape(axis), assign", "[array]") {
  Array a = Array::zeros({2, 3}, DType::float32);
  CHECK(a.shape(-1) == 3);
  CHECK_THROWS_WITH(a.shape(2),
                    "Array: axis 2 is out of range for float32 [2, 3]\n"
                    "  hint: axes go from -2 to 1");
  CHECK_THROWS_WITH(a.item(),
                    "Array: item() needs exactly one element (this is float32 [2, 3])\n"
                    "  hint: reduce it with sum, or read data<T>()");
  CHECK(Array::full({1, 1}, 4, DType::uint8).item() == 4);
  a.assign(Array::ones({2, 3}, DType::float32));
  CHECK(a.data<float>()[5] == 1);
  CHECK_THROWS_WITH(a.assign(Array::ones({3, 2}, DType::float32)),
                    "Array: assign needs equal shapes\n  target: float32 [2, 3]\n  source: float32 [3, 2]\n"
                    "  hint: assign never stretches; use broadcast_to or reshape first");
  CHECK_THROWS_AS(a.assign(Array::ones({2, 3}, DType::float64)), DTypeError);
}

TEST_CASE("allclose and identical", "[array]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Array a = Array::from({1.0, inf}, {2});
  CHECK(allclose(a, Array::from({1.0 + 1e-6, inf}, {2})));
  CHECK_FALSE(allclose(a, Array::from({1.0 + 1e-4, inf}, {2})));
  CHECK_FALSE(allclose(a, Array::from({1.0, -inf}, {2})));
  CHECK_FALSE(allclose(a, Array::from({1.0, 1e300}, {2})));
  CHECK_FALSE(allclose(a, a.reshape({2, 1})));
  CHECK_FALSE(allclose(a, a.astype(DType::float32)));
  const Array n = Array::from({nan}, {1});
  CHECK_FALSE(allclose(n, n));
  CHECK(allclose(n, n, 0, 0, true));
  CHECK(identical(n, n.copy()));
  CHECK_FALSE(identical(Array::from({0.0}, {1}), Array::from({-0.0}, {1})));
}

TEST_CASE("long axes are printed shortened, columns aligned", "[array]") {
  const Array a = Array::arange(2000, DType::int64).reshape({2, 1000});
  CHECK(to_string(a) ==
        "[[   0,    1,    2, ...,  997,  998,  999],\n [1000, 1001, 1002, ..., 1997, 1998, 1999]]  int64 [2, "
        "1000]");
  CHECK(to_string(Array::zeros({0}, DType::float32)) == "[]  float32 [0]");
  CHECK(to_string(Array::zeros({1, 1, 2}, DType::float32)) == "[[[0, 0]]]  float32 [1, 1, 2]");
  CHECK(to_string(Array::arange(4, DType::int32).reshape({2, 1, 2})) ==
        "[[[0, 1]],\n\n [[2, 3]]]  int32 [2, 1, 2]");
}

TEST_CASE("shapes", "[shape]") {
  CHECK(to_string(Shape{2, 3}) == "[2, 3]");
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{2, 0, 5}.size() == 0);
  CHECK_THROWS_WITH(Shape({2, -1}),
                    "Shape: a size must not be negative (axis 1 has -1)\n"
                    "  hint: -1 stands for an open size in reshape only");
  CHECK_THROWS_WITH(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}),
                    "Shape: at most 8 axes are possible\n"
                    "  hint: merge neighbouring axes");
  const std::int64_t large = std::int64_t{1} << 40;
  CHECK_THROWS_AS(Shape({large, large}).size(), ShapeError);
  CHECK(Shape({large, large, 0}).size() == 0);
  CHECK_THROWS_AS(Array::empty({large, std::int64_t{1} << 22}, DType::float64), ShapeError);
}

TEST_CASE("broadcasting follows NumPy", "[shape]") {
  struct Case {
    Shape a, b, result;
  };
  const auto c = GENERATE(values<Case>({{{2, 3}, {3}, {2, 3}},
                                        {{2, 1}, {1, 3}, {2, 3}},
                                        {{}, {4}, {4}},
                                        {{5, 1, 2}, {7, 1}, {5, 7, 2}},
                                        {{0, 3}, {1}, {0, 3}},
                                        {{1, 3}, {0, 1}, {0, 3}}}));
  CHECK(broadcast_shapes("add", c.a, c.b) == c.result);
  CHECK(broadcast_shapes("add", c.b, c.a) == c.result);
  CHECK(broadcasts_to(c.a, c.result));
  CHECK(broadcasts_to(c.b, c.result));
}

TEST_CASE("shapes that do not broadcast", "[shape]") {
  CHECK_THROWS_WITH(broadcast_shapes("add", {2, 3}, {2, 4}),
                    "add: the shapes [2, 3] and [2, 4] do not broadcast (axis 1 from the end: 3 against 4)\n "
                    " hint: aligned at the "
                    "end, the sizes of an axis must be equal or one of them 1");
  CHECK_THROWS_WITH(broadcast_shapes("add", {3}, {2, 3, 4}), Contains("axis 1 from the end: 3 against 4"));
  CHECK_FALSE(broadcasts_to({2, 3}, {3}));
  CHECK_FALSE(broadcasts_to({2}, {2, 3}));
}

TEST_CASE("axes", "[shape]") {
  const Array x = Array::zeros({2, 3, 4}, DType::float32);
  ArgumentCheck check("sum");
  check.argument("x", x);
  CHECK(check.axes(Axes{-1, 0}, 3) == std::vector<std::size_t>{2, 0});
  CHECK(check.axis(-3, 3) == 0);
  CHECK_THROWS_WITH(check.axis(3, 3),
                    "sum: axis must lie in [-3, 2] (it is 3)\n  x: float32 [2, 3, 4]\n"
                    "  hint: axes count from 0, negative ones from the end");
  CHECK_THROWS_WITH(check.axes(Axes{0, -3}, 3),
                    "sum: axis 0 is named twice in [0, -3]\n  x: float32 [2, 3, 4]\n"
                    "  hint: name each axis once; negative ones count from the end");
  CHECK_THROWS_WITH(ArgumentCheck("sum").axis(0, 0),
                    "sum: axis must be left out, since there are none (it is 0)\n"
                    "  hint: axes count from 0, negative ones from the end");
}

// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include <atomic>
#include <numeric>

#include <fathom/core/cpu.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/core/threads.hpp>

#include "support/restore.hpp"
#include "support/tolerance.hpp"

using namespace fathom;
using fathom::test::sum_tolerance;

namespace {

Array numbers(const Shape& shape, std::uint64_t stream = 0) {
  return normal({7, stream}, shape, 0, 1, DType::float64);
}

/// Element by element with NumPy's rules: what `zip` must equal.
Array subtract_slowly(const Array& a, const Array& b) {
  const Shape shape = broadcast_shapes("subtract", a.shape(), b.shape());
  const Strides strides = contiguous_strides(shape);
  const Strides stride_a = broadcast_strides(a.shape(), shape);
  const Strides stride_b = broadcast_strides(b.shape(), shape);
  Array y = Array::empty(shape, DType::float64);
  double* out = y.mutable_data<double>();
  for (std::int64_t i = 0; i < y.size(); ++i) {
    std::int64_t rest = i;
    std::int64_t at_a = 0;
    std::int64_t at_b = 0;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
      at_a += rest / strides[axis] * stride_a[axis];
      at_b += rest / strides[axis] * stride_b[axis];
      rest %= strides[axis];
    }
    out[i] = a.data<double>()[at_a] - b.data<double>()[at_b];
  }
  return y;
}

}  // namespace

TEST_CASE("zip broadcasts like NumPy", "[elementwise]") {
  using Pair = std::pair<Shape, Shape>;
  const auto [a, b] = GENERATE(values<Pair>({{{4}, {4}},
                                             {{}, {}},
                                             {{3, 4}, {4}},
                                             {{3, 4}, {3, 1}},
                                             {{3, 4}, {}},
                                             {{1, 4}, {3, 1}},
                                             {{2, 3, 4, 5}, {1, 3, 1, 1}},
                                             {{2, 3, 4, 5}, {2, 1, 4, 5}},
                                             {{2, 1, 4, 1}, {3, 1, 5}},
                                             {{5, 1, 1, 2}, {1, 3, 2, 1}},
                                             {{0, 3}, {3}},
                                             {{1, 1, 1}, {1}}}));
  CAPTURE(a, b);
  const Array x = numbers(a, 0);
  const Array y = numbers(b, 1);
  const auto minus = [](auto p, auto q) { return p - q; };
  CHECK(identical(zip("sub", x, y, minus), subtract_slowly(x, y)));
  CHECK(identical(zip("sub", y, x, minus), subtract_slowly(y, x)));
}

TEST_CASE("loops on arrays refuse mixed and integer types", "[elementwise]") {
  const auto plus = [](auto p, auto q) { return p + q; };
  const Array f = Array::ones({2}, DType::float32);
  CHECK_THROWS_WITH(zip("add", f, Array::ones({2}, DType::float64), plus),
                    "add: b must have the dtype of a (a is float32, b is float64)\n  a: float32 [2]\n  b: "
                    "float64 [2]\n  hint: types "
                    "are never mixed silently; convert one with astype(DType::float32)");
  CHECK_THROWS_AS(zip("add", f, Array::ones({2}, DType::int32), plus), DTypeError);
  CHECK_THROWS_AS(map("neg", Array::ones({2}, DType::int32), [](auto x) { return x; }), DTypeError);
  Array target = f.copy();
  CHECK_THROWS_AS(add_into(target, Array::ones({3}, DType::float32)), ShapeError);
  CHECK_THROWS_AS(add_into(target, Array::ones({2}, DType::float64)), DTypeError);
  add_into(target, f);
  CHECK(target.data<float>()[1] == 2);
}

TEST_CASE("broadcast_to and sum_to are adjoint", "[reduce]") {
  using Pair = std::pair<Shape, Shape>;
  const auto [small, large] = GENERATE(values<Pair>({{{3}, {2, 3}},
                                                     {{2, 1}, {2, 3}},
                                                     {{}, {2, 3}},
                                                     {{1, 3, 1}, {4, 3, 5}},
                                                     {{2, 3}, {2, 3}},
                                                     {{1, 1}, {6, 700}},
                                                     {{1}, {1, 1}}}));
  const Array x = numbers(small, 0);
  const Array y = numbers(large, 1);
  const auto times = [](auto p, auto q) { return p * q; };
  const double left = sum(zip("mul", broadcast_to(x, large), y, times)).item();
  const double right = sum(zip("mul", x, sum_to(y, small), times)).item();
  CHECK(left == Approx(right).epsilon(1e-12));
  CHECK(sum_to(y, small).shape() == small);
  CHECK_THROWS_AS(broadcast_to(Array::ones({2, 4}, DType::float32), {2, 3}), ShapeError);
  CHECK_THROWS_AS(sum_to(Array::ones({2, 3}, DType::float32), {4}), ShapeError);
}

TEST_CASE("sum over any axes", "[reduce]") {
  const Array x = numbers({3, 4, 5, 6});
  const auto axes = GENERATE(values<Axes>(
      {{}, {0}, {1}, {3}, {-1}, {0, 2}, {1, 3}, {0, 1}, {2, 3}, {0, 2, 3}, {0, 1, 2, 3}, {3, 0}}));
  const bool keepdims = GENERATE(false, true);
  const Array y = sum(x, axes, keepdims);
  REQUIRE(y.shape() == reduced_shape(ArgumentCheck("sum"), x.shape(), axes, keepdims));
  // Every input element counts once, in its output element.
  std::vector<double> expected(static_cast<std::size_t>(y.size()));
  const std::vector<std::size_t> reduced = ArgumentCheck("sum").axes(axes, 4);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t index[4] = {i / 120, i / 30 % 4, i / 6 % 5, i % 6};
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < 4; ++axis) {
      if (std::find(reduced.begin(), reduced.end(), axis) == reduced.end())
        at = at * x.shape()[axis] + index[axis];
    }
    expected[static_cast<std::size_t>(at)] += x.data<double>()[i];
  }
  CHECK(allclose(y.reshape({y.size()}), Array::from(expected, {y.size()}), 1e-12, 1e-12));
}

TEST_CASE("sums of nothing, of many, and wrong axes", "[reduce]") {
  CHECK(sum(Array::zeros({0, 3}, DType::float32)).item() == 0);
  CHECK(identical(sum(Array::ones({0, 3}, DType::float64), Axes{0}), Array::zeros({3}, DType::float64)));
  CHECK(sum(Array::full({1 << 22}, 0.1, DType::float32)).item() ==
        Approx((1 << 22) * static_cast<double>(0.1f)).epsilon(sum_tolerance(DType::float32, 1)));
  CHECK_THROWS_AS(sum(Array::zeros({2}, DType::float32), Axes{1}), ValueError);
  CHECK_THROWS_AS(sum(Array::zeros({2}, DType::float32), Axes{0, 0}), ValueError);
  CHECK_THROWS_AS(sum(Array::zeros({2}, DType::int64)), DTypeError);
}

TEST_CASE("sums have the same bits in every instruction set", "[reduce]") {
  const test::RestoreSettings restore;
  // Rows with and without full chains and a rest; columns.
  const Shape shape = GENERATE(values<Shape>({{1, 5}, {3, 8}, {2, 37}, {5, 1003}}));
  const Axes axes = GENERATE(values<Axes>({{0}, {1}, {0, 1}}));
  const Array x = numbers(shape);
  set_isa(supported_isas().front());
  const Array y = sum(x, axes);
  for (const Isa isa : supported_isas()) {
    CAPTURE(to_string(isa), to_string(shape));
    set_isa(isa);
    CHECK(identical(sum(x, axes), y));
  }
}

TEST_CASE("transpose permutes axes", "[elementwise]") {
  const Array x = numbers({2, 3, 4, 5});
  const auto axes =
      GENERATE(values<Axes>({{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {0, 2, 3, 1}, {-1, 0, -2, 1}}));
  const Array y = transpose(x, axes);
  const std::vector<std::size_t> order = ArgumentCheck("transpose").axes(axes, 4);
  const Strides from = contiguous_strides(x.shape());
  const Strides to = contiguous_strides(y.shape());
  bool equal = true;
  for (std::int64_t i = 0; i < y.size(); ++i) {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < 4; ++axis) at += i / to[axis] % y.shape()[axis] * from[order[axis]];
    equal = equal && y.data<double>()[i] == x.data<double>()[at];
  }
  CHECK(equal);
  CHECK_THROWS_AS(transpose(x, Axes{0, 1, 2}), ValueError);
  CHECK_THROWS_AS(transpose(x, Axes{0, 1, 2, 2}), ValueError);
  CHECK(transpose(Array::scalar(3, DType::int64), Axes{}).item() == 3);
}

TEST_CASE("a SerialScope keeps parallel_for on its thread until it ends", "[threads]") {
  const test::RestoreSettings restore;
  set_num_threads(4);
  const auto pieces = [] {
    std::atomic<int> count{0};
    parallel_for(1000, 1, [&](std::int64_t, std::int64_t) { ++count; });
    return count.load();
  };
  CHECK(pieces() == 4);
  {
    const SerialScope outer;
    CHECK(pieces() == 1);
    {
      const SerialScope inner;
      CHECK(pieces() == 1);
    }
    CHECK(pieces() == 1);
  }
  CHECK(pieces() == 4);
}

TEST_CASE("parallel_for covers every item once, in pieces of at least the grain", "[threads]") {
  const test::RestoreSettings restore;
  const int threads = GENERATE(1, 2, 3, 5);
  const std::int64_t count = GENERATE(0, 1, 7, 1000);
  const std::int64_t grain = GENERATE(1, 3, 600);
  set_num_threads(threads);
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
  std::atomic<int> pieces = 0;
  std::atomic<bool> small = false;
  parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    ++pieces;
    if (end - begin < std::min(grain, count)) small = true;
    for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
  });
  CHECK(std::all_of(seen.begin(), seen.end(), [](const std::atomic<int>& n) { return n == 1; }));
  CHECK_FALSE(small);
  CHECK(pieces <= threads);
}

TEST_CASE("a caller may say how many pieces there can be", "[threads]") {
  const test::RestoreSettings restore;
  set_num_threads(5);
  std::atomic<int> pieces = 0;
  parallel_for(
      100, 1, [&](std::int64_t, std::int64_t) { ++pieces; }, 2);
  CHECK(pieces == 2);
}

TEST_CASE("an exception in a parallel region reaches the caller, the first piece's", "[threads]") {
  const test::RestoreSettings restore;
  set_num_threads(3);
  const auto fail = [](std::int64_t begin, std::int64_t) {
    throw ValueError(begin == 0 ? "first" : "later");
  };
  CHECK_THROWS_WITH(parallel_for(30, 1, fail), "first");
  std::atomic<std::int64_t> total = 0;
  parallel_for(30, 1, [&](std::int64_t begin, std::int64_t end) { total += end - begin; });
  CHECK(total == 30);
}

TEST_CASE("loops of several threads at once are each done once, and again after the workers slept",
          "[threads]") {
  const test::RestoreSettings restore;
  set_num_threads(3);
  std::atomic<std::int64_t> total = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        parallel_for(30, 1, [&](std::int64_t begin, std::int64_t end) {
          parallel_for(end - begin, 1, [&](std::int64_t first, std::int64_t last) { total += last - first; });
        });
        if (repeat % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(total == 4 * 200 * 30);
}

TEST_CASE("the number of threads must be positive", "[threads]") {
  CHECK_THROWS_WITH(set_num_threads(0),
                    "set_num_threads: at least 1 thread is needed (got 0)\n"
                    "  hint: 1 runs everything on the calling thread");
  CHECK(num_threads() >= 1);
}

TEST_CASE("loops give the same bits for any number of threads", "[threads]") {
  const test::RestoreSettings restore;
  const Array x = normal({3, 0}, {64, 33, 50}, 0, 1, DType::float32);
  const Array row = normal({3, 1}, {33, 1}, 0, 1, DType::float32);
  const auto all = [&] {
    return std::vector<Array>{sum(x),
                              sum(x, Axes{0, 2}),
                              sum(x, Axes{1}),
                              sum_to(x, {33, 1}),
                              zip("mul", x, row, [](auto a, auto b) { return a * b; }),
                              transpose(x, Axes{2, 0, 1})};
  };
  set_num_threads(1);
  const std::vector<Array> expected = all();
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    const std::vector<Array> actual = all();
    for (std::size_t i = 0; i < actual.size(); ++i) CHECK(identical(actual[i], expected[i]));
  }
}

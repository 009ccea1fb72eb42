// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/argmax.hpp>

#include <catch2/catch.hpp>
#include <limits>

#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/core/threads.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("argmax and argmin give the first extremal position, a NaN before all", "[argmax]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  struct Case {
    std::vector<double> x;
    Shape shape;
    std::optional<std::int64_t> axis;
    std::vector<std::int64_t> largest, smallest;
    Shape result;
  };
  const auto c = GENERATE_COPY(values<Case>({
      {{3, 1, 2, 5, 9, 4}, {2, 3}, std::nullopt, {4}, {1}, {}},
      {{3, 1, 2, 5, 9, 4}, {2, 3}, 0, {1, 1, 1}, {0, 0, 0}, {3}},
      {{3, 1, 2, 5, 9, 4}, {2, 3}, 1, {0, 1}, {1, 2}, {2}},
      {{3, 1, 2, 5, 9, 4}, {2, 3}, -1, {0, 1}, {1, 2}, {2}},
      {{1, 2, 4, 3, 4, 2, 1, 1}, {2, 2, 2}, 1, {1, 1, 0, 0}, {0, 0, 1, 1}, {2, 2}},
      {{7, 7, 1, 1, 7}, {5}, 0, {0}, {2}, {}},
      {{1, nan, 9, nan, -9}, {5}, std::nullopt, {1}, {1}, {}},
      {{nan, inf, -inf}, {3}, 0, {0}, {0}, {}},
      {{-inf, -inf, 0, inf, inf}, {5}, 0, {3}, {0}, {}},
      {{5}, {}, std::nullopt, {0}, {0}, {}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable x{Array::from(c.x, c.shape).astype(dtype), true};
  CHECK(identical(ops::argmax(x, c.axis), Array::from(c.largest, c.result)));
  CHECK(identical(ops::argmin(x, c.axis), Array::from(c.smallest, c.result)));
}

TEST_CASE("argmax of integers and of empty results", "[argmax]") {
  const auto dtype = GENERATE(DType::int64, DType::int32, DType::uint8);
  const Array x = Array::from<double>({4, 6, 6, 0}, {4}).astype(dtype);
  CHECK(argmax(x).item() == 1);
  CHECK(argmin(x, 0).item() == 3);
  CHECK(ops::argmax(Variable{Array::zeros({0, 3}, DType::float32)}, 1).shape() == Shape{0});
}

TEST_CASE("argmax gives the same for any number of threads", "[argmax]") {
  const std::int64_t axis = GENERATE(0, 1, 2);
  const Variable x{normal({4, 0}, {30, 40, 50}, 0, 1, DType::float32)};
  const int before = num_threads();
  set_num_threads(1);
  const Array serial = ops::argmax(x, axis);
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CHECK(identical(ops::argmax(x, axis), serial));
  }
  set_num_threads(before);
}

TEST_CASE("argmax refuses an axis that is not there or empty", "[argmax][errors]") {
  const auto [op, name] =
      GENERATE(table<Array (*)(const Variable&, std::optional<std::int64_t>), std::string>(
          {{ops::argmax, "argmax"}, {ops::argmin, "argmin"}}));
  CHECK_THROWS_MATCHES(op(Variable{Array::zeros({2, 3}, DType::float32)}, 2), ValueError,
                       Message(name + ": axis must lie in [-2, 1] (it is 2)\n  x: float32 [2, 3]\n"
                                      "  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(op(Variable{Array::zeros({0, 3}, DType::float32)}, 0), ValueError,
                       Message(name + ": x must have elements to choose from ([0, 3] to [3])\n"
                                      "  x: float32 [0, 3]\n  hint: leave empty arrays out"));
  CHECK_THROWS_AS(op(Variable{Array::zeros({0, 3}, DType::float32)}, std::nullopt), ValueError);
  CHECK_THROWS_AS(op(Variable{}, 0), GraphError);
}

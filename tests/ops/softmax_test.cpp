// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/softmax.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <support/restore.hpp>
#include <support/tolerance.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Op = Variable (*)(const Variable&, std::int64_t);

struct Result {
  Array y, gx;
};

Result run(Op op, const Array& x_array, std::int64_t axis, const Array& gy) {
  const Variable x(x_array, true);
  const Variable y = op(x, axis);
  return {y.data(), grad({y}, {x}, {Variable(gy)})[0].data()};
}

}  // namespace

TEST_CASE("softmax and log_softmax by hand", "[softmax]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const double tolerance = test::element_tolerance(dtype);
  // softmax of (0, log 3) is (1/4, 3/4).
  const double log3 = std::log(3.0);
  const Array x = Array::from({0.0, log3, log3, 0.0}, {2, 2}).astype(dtype);
  const Array gy = Array::from({4.0, 8.0, 0.0, 16.0}, {2, 2}).astype(dtype);
  const auto equal = [&](const Array& a, std::initializer_list<double> b) {
    CHECK(allclose(a, Array::from(b, {2, 2}).astype(dtype), 2 * tolerance, 2 * tolerance));
  };
  const Result p = run(ops::softmax, x, 1, gy);
  equal(p.y, {0.25, 0.75, 0.75, 0.25});
  equal(p.gx, {-0.75, 0.75, -3, 3});
  const Result log_p = run(ops::log_softmax, x, 1, gy);
  equal(log_p.y,
        {-2 * std::log(2.0), log3 - 2 * std::log(2.0), log3 - 2 * std::log(2.0), -2 * std::log(2.0)});
  equal(log_p.gx, {1, -1, -12, 12});
  // The same along axis 0, of the transposed.
  const Array xt = transpose(x, Axes{1, 0}), gyt = transpose(gy, Axes{1, 0});
  equal(transpose(run(ops::softmax, xt, 0, gyt).y, Axes{1, 0}), {0.25, 0.75, 0.75, 0.25});
  equal(transpose(run(ops::softmax, xt, 0, gyt).gx, Axes{1, 0}), {-0.75, 0.75, -3, 3});
  equal(transpose(run(ops::log_softmax, xt, 0, gyt).gx, Axes{1, 0}), {1, -1, -12, 12});
}

TEST_CASE("softmax of huge, infinite and undefined scores", "[softmax]") {
  struct Case {
    std::vector<double> x, p, log_p;
  };
  const auto c = GENERATE(values<Case>({
      {{1e30, 0, -1e30}, {1, 0, 0}, {0, -1e30, -2e30}},
      {{-1e30, -1e30, -1e30}, {1 / 3.0, 1 / 3.0, 1 / 3.0}, {-std::log(3.0), -std::log(3.0), -std::log(3.0)}},
      {{5, -kInf, 5}, {0.5, 0, 0.5}, {-std::log(2.0), -kInf, -std::log(2.0)}},
      {{kInf, 0, 1}, {kNan, kNan, kNan}, {kNan, kNan, kNan}},
      {{-kInf, -kInf, -kInf}, {kNan, kNan, kNan}, {kNan, kNan, kNan}},
      {{1, kNan, 2}, {kNan, kNan, kNan}, {kNan, kNan, kNan}},
      {{7}, {1}, {0}},
      {{800, 0}, {1, 0}, {0, -800}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const auto count = static_cast<std::int64_t>(c.x.size());
  // Alone, and between other lines that must not notice.
  for (const std::int64_t inner : {1, 3}) {
    Array x = Array::zeros({count, inner}, DType::float64);
    for (std::int64_t k = 0; k < count; ++k)
      x.mutable_data<double>()[k * inner + inner / 2] = c.x[static_cast<std::size_t>(k)];
    x = x.astype(dtype);
    const Array p = ops::softmax(Variable(x), 0).data().astype(DType::float64);
    const Array log_p = ops::log_softmax(Variable(x), 0).data().astype(DType::float64);
    for (std::int64_t k = 0; k < count; ++k) {
      INFO(dtype << ", inner " << inner << ", x[" << k << "] = " << c.x[static_cast<std::size_t>(k)]);
      for (std::int64_t i = 0; i < inner; ++i) {
        const bool mine = i == inner / 2;
        const auto element = [&](const Array& a) {
          return Array::full({}, a.data<double>()[k * inner + i], DType::float64);
        };
        const auto at = static_cast<std::size_t>(k);
        const double others = 1.0 / static_cast<double>(count);
        CHECK(allclose(element(p), Array::full({}, mine ? c.p[at] : others, DType::float64),
                       test::element_tolerance(dtype), 0, true));
        CHECK(allclose(element(log_p), Array::full({}, mine ? c.log_p[at] : std::log(others), DType::float64),
                       test::element_tolerance(dtype), test::element_tolerance(dtype), true));
      }
    }
  }
}

TEST_CASE("softmax counts axes from either end", "[softmax]") {
  const Variable x(normal({1, 0}, {2, 3, 4}, 0, 2, DType::float64));
  for (const Op op : {Op{ops::softmax}, Op{ops::log_softmax}}) {
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      CHECK(identical(op(x, axis).data(), op(x, axis - 3).data()));
      Axes order{0, 1, 2};
      std::swap(order[static_cast<std::size_t>(axis)], order[2]);
      const Array last = transpose(op(Variable(transpose(x.data(), order)), 2).data(), order);
      CHECK(allclose(last, op(x, axis).data(), 1e-14, 1e-14));
    }
  }
  CHECK(identical(ops::softmax(x).data(), ops::softmax(x, 1).data()));
}

TEST_CASE("softmax of empty arrays", "[softmax]") {
  const Shape shape = GENERATE(Shape{0, 3}, Shape{2, 0}, Shape{2, 3, 0});
  for (const Op op : {Op{ops::softmax}, Op{ops::log_softmax}}) {
    const Result result =
        run(op, Array::zeros(shape, DType::float32), 1, Array::zeros(shape, DType::float32));
    CHECK(result.y.shape() == shape);
    CHECK(result.gx.shape() == shape);
  }
}

TEST_CASE("softmax refuses what does not fit", "[softmax][errors]") {
  const Variable x(Array::zeros({3, 4}, DType::float32));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::softmax(x, 2)), ValueError,
                       Message("softmax: axis must lie in [-2, 1] (it is 2)\n  x: float32 [3, 4]\n"
                               "  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::log_softmax(Variable(Array::zeros({3}, DType::float32)))),
                       ValueError,
                       Message("log_softmax: axis must lie in [-1, 0] (it is 1)\n  x: float32 [3]\n"
                               "  hint: axes count from 0, negative ones from the end"));
  CHECK_THROWS_MATCHES(static_cast<void>(ops::softmax({})), GraphError,
                       Message("softmax: x must not be undefined\n"
                               "  x: undefined\n"
                               "  hint: Variable{} is legal for optional arguments only; give a deferred "
                               "parameter its data with initialize"));
  CHECK_THROWS_AS(static_cast<void>(ops::log_softmax({})), GraphError);
}

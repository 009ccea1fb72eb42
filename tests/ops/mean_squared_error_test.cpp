// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/mean_squared_error.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <support/restore.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("mean_squared_error by hand", "[mean_squared_error]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable a(Array::from({1.0, 2.0, 3.0, 4.0}, {2, 2}).astype(dtype), true);
  const Variable b(Array::from({1.0, 4.0, 2.0, -4.0}, {2, 2}).astype(dtype), true);
  const Variable y = ops::mean_squared_error(a, b);
  CHECK(y.shape() == Shape{});
  CHECK(y.dtype() == dtype);
  CHECK(y.item() == (0 + 4 + 1 + 64) / 4.0);
  backward(y * 2);
  const Array ga = Array::from({0.0, -2.0, 1.0, 8.0}, {2, 2}).astype(dtype);
  CHECK(identical(a.grad().data(), ga));
  CHECK(identical(b.grad().data(), (-Variable(ga)).data()));
}

TEST_CASE("mean_squared_error of nothing, infinity and NaN", "[mean_squared_error]") {
  const auto of = [](double a, double b) {
    return ops::mean_squared_error(Variable(Array::full({2}, a, DType::float32)),
                                   Variable(Array::full({2}, b, DType::float32)))
        .item();
  };
  CHECK(of(INFINITY, 0) == INFINITY);
  CHECK(std::isnan(of(INFINITY, INFINITY)));
  CHECK(std::isnan(of(NAN, 0)));
  const Variable empty(Array::zeros({0, 3}, DType::float32), true);
  const Variable y = ops::mean_squared_error(empty, empty);
  CHECK(std::isnan(y.item()));
  backward(y);
  CHECK(empty.grad().shape() == Shape{0, 3});
}

TEST_CASE("mean_squared_error has the same bits for any number of threads", "[mean_squared_error][threads]") {
  const test::RestoreSettings restore;
  const Variable a(normal({1, 0}, {100003}, 0, 1, DType::float32));
  const Variable b(normal({1, 1}, {100003}, 0, 1, DType::float32));
  set_num_threads(1);
  const Array one = ops::mean_squared_error(a, b).data();
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CHECK(identical(ops::mean_squared_error(a, b).data(), one));
  }
}

TEST_CASE("mean_squared_error refuses what does not fit", "[mean_squared_error][errors]") {
  const Variable x(Array::zeros({3}, DType::float32));
  const auto call = [](const Variable& a, const Variable& b) {
    static_cast<void>(ops::mean_squared_error(a, b));
  };
  CHECK_THROWS_MATCHES(
      call(x, Variable(Array::zeros({3, 1}, DType::float32))), ShapeError,
      Message("mean_squared_error: x1 must have the shape [3], that of x0 (it has [3, 1])\n"
              "  x0: float32 [3]\n"
              "  x1: float32 [3, 1]\n"
              "  hint: reshape it if only its axes differ; otherwise look where it is made"));
  CHECK_THROWS_MATCHES(
      call(x, Variable(Array::zeros({3}, DType::float64))), DTypeError,
      Message("mean_squared_error: x1 must have the dtype of x0 (x0 is float32, x1 is float64)\n"
              "  x0: float32 [3]\n"
              "  x1: float64 [3]\n"
              "  hint: types are never mixed silently; convert one with astype(DType::float32)"));
  CHECK_THROWS_MATCHES(call(x, {}), GraphError,
                       Message("mean_squared_error: x1 must not be undefined\n"
                               "  x0: float32 [3]\n"
                               "  x1: undefined\n"
                               "  hint: Variable{} is legal for optional arguments only; give a deferred "
                               "parameter its data with initialize"));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/regression_loss.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include <support/restore.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

using Loss = Variable (*)(const Variable&, const Variable&);

/// y, and the gradients of x0 and x1 for a gy of 2 everywhere.
struct Result {
  Array y, g0, g1;
};

template <class F>
Result run(const F& loss, const Array& a, const Array& b) {
  const Variable x0(a, true), x1(b, true);
  const Variable y = loss(x0, x1);
  const Variables g = grad({y}, {x0, x1}, {Variable(Array::full(y.shape(), 2, y.dtype()))});
  return {y.data(), g[0].data(), g[1].data()};
}

Array row(std::initializer_list<double> numbers) {
  return Array::from(numbers, {static_cast<std::int64_t>(numbers.size())});
}

}  // namespace

TEST_CASE("losses of regression by hand", "[regression_loss]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Array a = row({1, 2, 3, 4}).reshape({2, 2}).astype(dtype);
  const Array b = row({1, 4, 2, -4}).reshape({2, 2}).astype(dtype);
  const auto check = [&](Loss loss, const Shape& shape, std::initializer_list<double> y,
                         std::initializer_list<double> g0) {
    const Result got = run(loss, a, b);
    CHECK(identical(got.y, row(y).reshape(shape).astype(dtype)));
    CHECK(identical(got.g0, row(g0).reshape({2, 2}).astype(dtype)));
    CHECK(identical(got.g1, (-Variable(got.g0)).data()));
  };
  check(ops::absolute_error, {2, 2}, {0, 2, 1, 8}, {0, -2, 2, 2});
  check(ops::squared_error, {2, 2}, {0, 4, 1, 64}, {0, -8, 4, 32});
  check(ops::mean_absolute_error, {}, {11 / 4.0}, {0, -0.5, 0.5, 0.5});
  check(ops::mean_squared_error, {}, {69 / 4.0}, {0, -2, 1, 8});
}

TEST_CASE("huber_loss is a parabola that goes on as a line", "[regression_loss]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  // Differences 0, 0.5, -2 (where the line begins), 3, -1, 10.
  const Array a = row({1, 2, 3, 4, 5, 6}).reshape({2, 3}).astype(dtype);
  const Array b = row({1, 1.5, 5, 1, 6, -4}).reshape({2, 3}).astype(dtype);
  const Array each = row({0, 0.125, 2, 4, 0.5, 18}).reshape({2, 3}).astype(dtype);
  const Array slope = row({0, 1, -4, 4, -2, 4}).reshape({2, 3}).astype(dtype);  // times gy = 2
  const auto with = [&](const std::optional<ops::Reduce>& reduce) {
    return run([&](const Variable& x0,
                   const Variable& x1) { return ops::huber_loss(x0, x1, {.delta = 2, .reduce = reduce}); },
               a, b);
  };
  const Result no = with(ops::Reduce::no);
  CHECK(identical(no.y, each));
  CHECK(identical(no.g0, slope));
  CHECK(identical(no.g1, (-Variable(slope)).data()));
  const Result along = with(std::nullopt);
  CHECK(identical(along.y, row({2.125, 22.5}).astype(dtype)));
  CHECK(identical(along.g0, slope));
  CHECK(with(ops::Reduce::sum).y.item() == 24.625);
  const Result mean = with(ops::Reduce::mean);
  CHECK(mean.y.item() == Approx(24.625 / 6).epsilon(1e-6));
  CHECK(allclose(mean.g0, (Variable(slope) / 6).data(), 1e-6, 0));
  CHECK(identical(ops::huber_loss(Variable(a), Variable(b)).data(),
                  ops::huber_loss(Variable(a), Variable(b), {.delta = 1}).data()));
}

TEST_CASE("the second derivative of huber_loss belongs to the parabola at its end", "[regression_loss]") {
  const Variable x0(row({0.5, 2, -2, 3}), true);
  const Variable x1(row({0, 0, 0, 0}));
  const Variable y = ops::huber_loss(x0, x1, {.delta = 2, .reduce = ops::Reduce::sum});
  const Variable g = grad({y}, {x0}, {}, {.create_graph = true})[0];
  CHECK(identical(grad({ops::sum(g)}, {x0})[0].data(), row({1, 1, 1, 0})));
}

TEST_CASE("errors of infinity and NaN", "[regression_loss]") {
  const auto huber = [](const Variable& x0, const Variable& x1) {
    return ops::huber_loss(x0, x1, {.reduce = ops::Reduce::no});
  };
  const Array a = row({INFINITY, -INFINITY, NAN}), b = row({0, 0, 0});
  for (const Loss loss : {ops::absolute_error, ops::squared_error, Loss(huber)}) {
    const Array y = run(loss, a, b).y;
    CHECK(y.data<double>()[0] == INFINITY);
    CHECK(y.data<double>()[1] == INFINITY);
    CHECK(std::isnan(y.data<double>()[2]));
  }
  CHECK(std::isnan(run(ops::absolute_error, a, b).g0.data<double>()[2]));
  // gy is 2.
  const Array g0 = run(huber, a, b).g0;
  CHECK(g0.data<double>()[0] == 2);
  CHECK(g0.data<double>()[1] == -2);
  CHECK(std::isnan(g0.data<double>()[2]));
}

TEST_CASE("gaussian_nll by hand", "[regression_loss]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const double log_2pi = std::log(2 * std::numbers::pi);
  // x - mean is 0, 2, -1 in the first row and 1, 3, 0 in the second; the variances are 1 and 4.
  const Variable x(row({1, 2, 3, 2, 3, 4}).reshape({2, 3}).astype(dtype), true);
  const Variable mean(row({1, 0, 4}).astype(dtype), true);
  const Variable ln_var(row({0, std::log(4.0)}).reshape({2, 1}).astype(dtype), true);
  const Variable y = ops::gaussian_nll(x, mean, ln_var, ops::Reduce::no);
  const double far = std::log(4.0) / 2;
  const Array each =
      (Variable(row({0, 2, 0.5, 0.125 + far, 1.125 + far, far}).reshape({2, 3})) + log_2pi / 2).data();
  const double tolerance = dtype == DType::float32 ? 1e-6 : 1e-14;
  CHECK(allclose(y.data().astype(DType::float64), each, tolerance, tolerance));
  const Variables g = grad({y}, {x, mean, ln_var}, {Variable(Array::ones({2, 3}, dtype))});
  CHECK(allclose(g[0].data().astype(DType::float64), row({0, 2, -1, 0.25, 0.75, 0}).reshape({2, 3}),
                 tolerance, tolerance));
  CHECK(allclose(g[1].data().astype(DType::float64), row({-0.25, -2.75, 1}), tolerance, tolerance));
  CHECK(allclose(g[2].data().astype(DType::float64), row({1.5 - 2.5, 1.5 - 1.25}).reshape({2, 1}), tolerance,
                 tolerance));
  const double total = 3.75 + 3 * far + 3 * log_2pi;
  CHECK(ops::gaussian_nll(x, mean, ln_var).item() == Approx(total).epsilon(tolerance));
  CHECK(ops::gaussian_nll(x, mean, ln_var, ops::Reduce::mean).item() == Approx(total / 6).epsilon(tolerance));
}

TEST_CASE("mean_squared_error of nothing, infinity and NaN", "[regression_loss]") {
  const auto of = [](double a, double b) {
    return ops::mean_squared_error(Variable(Array::full({2}, a, DType::float32)),
                                   Variable(Array::full({2}, b, DType::float32)))
        .item();
  };
  CHECK(of(INFINITY, 0) == INFINITY);
  CHECK(std::isnan(of(INFINITY, INFINITY)));
  CHECK(std::isnan(of(NAN, 0)));
  for (const Loss mean : {ops::mean_squared_error, ops::mean_absolute_error}) {
    const Variable empty(Array::zeros({0, 3}, DType::float32), true);
    const Variable y = mean(empty, empty);
    CHECK(std::isnan(y.item()));
    backward(y);
    CHECK(empty.grad().shape() == Shape{0, 3});
  }
}

TEST_CASE("mean_squared_error has the same bits for any number of threads", "[regression_loss][threads]") {
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

TEST_CASE("mean_squared_error refuses what does not fit", "[regression_loss][errors]") {
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

TEST_CASE("huber_loss and gaussian_nll refuse what does not fit", "[regression_loss][errors]") {
  const Variable x(Array::zeros({3}, DType::float32)), wide(Array::zeros({2, 4}, DType::float32));
  CHECK_THROWS_MATCHES(ops::huber_loss(x, x), ShapeError,
                       Message("huber_loss: x0 must have an axis 1 to sum along (its rank is 1)\n"
                               "  x0: float32 [3]\n"
                               "  x1: float32 [3]\n"
                               "  hint: choose another reduction: Reduce::mean, sum or no"));
  for (const double delta : {0.0, -1.0, static_cast<double>(NAN)}) {
    CHECK_THROWS_MATCHES(ops::huber_loss(wide, wide, {.delta = delta}), ValueError,
                         Message(fmt::format("huber_loss: delta must be positive (it is {})\n"
                                             "  x0: float32 [2, 4]\n"
                                             "  x1: float32 [2, 4]\n"
                                             "  hint: it is the distance from which on the loss grows like a "
                                             "line",
                                             delta)));
  }
  CHECK_THROWS_MATCHES(
      ops::gaussian_nll(wide, wide, x), ShapeError,
      Message("gaussian_nll: mean and ln_var must broadcast (axis -1: mean has 4, ln_var has 3)\n"
              "  x:      float32 [2, 4]\n"
              "  mean:   float32 [2, 4]\n"
              "  ln_var: float32 [3]\n"
              "  hint: axes are aligned at the last one; sizes must be equal or 1, so reshape the smaller "
              "one with axes of size 1"));
  CHECK_THROWS_AS(ops::gaussian_nll(x, x, Variable(Array::zeros({3}, DType::float64))), DTypeError);
}

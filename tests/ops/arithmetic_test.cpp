// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/arithmetic.hpp>

#include <catch2/catch.hpp>
#include <limits>
#include <numeric>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <support/restore.hpp>

using namespace fathom;
using Catch::Matchers::Message;

namespace {

using Binary = Variable (*)(const Variable&, const Variable&);
using WithNumber = Variable (*)(const Variable&, double);

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Variable variable(std::initializer_list<double> values, DType dtype, bool requires_grad = false) {
  return Variable(Array::from(values, {static_cast<std::int64_t>(values.size())}).astype(dtype),
                  requires_grad);
}

Variable counting(const Shape& shape, DType dtype = DType::float64) {
  return Variable(Array::arange(shape.size(), dtype).reshape(shape), true);
}

bool equal(const Array& a, const Array& b) { return allclose(a, b, 0, 0, true); }

}  // namespace

TEST_CASE("arithmetic on two arrays, values and gradients by hand", "[arithmetic]") {
  struct Case {
    const char* name;
    Binary op;
    std::vector<double> y, ga, gb;
  };
  const auto c = GENERATE(values<Case>({
      {"add", ops::add, {5, 2, 0.5}, {1, 10, 100}, {1, 10, 100}},
      {"sub", ops::sub, {-3, -6, -1.5}, {1, 10, 100}, {-1, -10, -100}},
      {"mul", ops::mul, {4, -8, -0.5}, {4, 40, 100}, {1, -20, -50}},
      {"div", ops::div, {0.25, -0.5, -0.5}, {0.25, 2.5, 100}, {-0.0625, 1.25, 50}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  INFO(c.name << " " << dtype);
  const Variable a = variable({1, -2, -0.5}, dtype, true);
  const Variable b = variable({4, 4, 1}, dtype, true);
  const Variable y = c.op(a, b);
  CHECK(y.dtype() == dtype);
  CHECK(y.creator()->name() == c.name);
  CHECK(equal(y.data(), Array::from(c.y, {3}).astype(dtype)));
  const Variables g = grad({y}, {a, b}, {variable({1, 10, 100}, dtype)});
  CHECK(equal(g[0].data(), Array::from(c.ga, {3}).astype(dtype)));
  CHECK(equal(g[1].data(), Array::from(c.gb, {3}).astype(dtype)));
}

TEST_CASE("arithmetic with a number, values and gradients by hand", "[arithmetic]") {
  struct Case {
    const char* name;
    WithNumber op;
    std::vector<double> y, gx;
  };
  const auto c = GENERATE(values<Case>({
      {"add_scalar", ops::add_scalar, {3, 0, 2.5}, {1, 10, 100}},
      {"sub_scalar", ops::sub_scalar, {-1, -4, -1.5}, {1, 10, 100}},
      {"rsub_scalar", ops::rsub_scalar, {1, 4, 1.5}, {-1, -10, -100}},
      {"mul_scalar", ops::mul_scalar, {2, -4, 1}, {2, 20, 200}},
      {"div_scalar", ops::div_scalar, {0.5, -1, 0.25}, {0.5, 5, 50}},
      {"rdiv_scalar", ops::rdiv_scalar, {2, -1, 4}, {-2, -5, -800}},
  }));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  INFO(c.name << " " << dtype);
  const Variable x = variable({1, -2, 0.5}, dtype, true);
  const Variable y = c.op(x, 2);
  CHECK(y.dtype() == dtype);
  CHECK(y.creator()->name() == c.name);
  CHECK(y.creator()->attributes() == Attributes{{"value", "2"}});
  CHECK(equal(y.data(), Array::from(c.y, {3}).astype(dtype)));
  CHECK(
      equal(grad({y}, {x}, {variable({1, 10, 100}, dtype)})[0].data(), Array::from(c.gx, {3}).astype(dtype)));
}

TEST_CASE("operators are the ops", "[arithmetic]") {
  const Variable a = variable({3, 5}, DType::float64, true);
  const Variable b = variable({2, 4}, DType::float64);
  const auto [y, name] = GENERATE_COPY(table<Variable, std::string>({
      {a + b, "add"},
      {a - b, "sub"},
      {a * b, "mul"},
      {a / b, "div"},
      {-a, "neg"},
      {a + 1, "add_scalar"},
      {1 + a, "add_scalar"},
      {a - 1, "sub_scalar"},
      {1 - a, "rsub_scalar"},
      {a * 2, "mul_scalar"},
      {2 * a, "mul_scalar"},
      {a / 2, "div_scalar"},
      {2 / a, "rdiv_scalar"},
  }));
  CHECK(y.creator()->name() == name);
  CHECK((1 - a).data().data<double>()[1] == -4);
  CHECK((10 / a).data().data<double>()[1] == 2);
}

TEST_CASE("shapes broadcast as NumPy's", "[arithmetic]") {
  struct Case {
    Shape a, b, y;
  };
  const auto c = GENERATE(values<Case>({
      {{3}, {3}, {3}},
      {{2, 3}, {3}, {2, 3}},
      {{3}, {2, 3}, {2, 3}},
      {{2, 1}, {3}, {2, 3}},
      {{2, 3}, {2, 1}, {2, 3}},
      {{2, 3}, {}, {2, 3}},
      {{}, {}, {}},
      {{1}, {}, {1}},
      {{2, 1, 2, 3}, {4, 1, 3}, {2, 4, 2, 3}},
      {{1, 3, 1}, {2, 1, 4}, {2, 3, 4}},
      {{0, 3}, {3}, {0, 3}},
      {{1}, {0}, {0}},
      {{2, 0}, {1, 1}, {2, 0}},
  }));
  const Variable a = counting(c.a);
  const Variable b = counting(c.b);
  INFO(c.a << " " << c.b);
  const Variable y = a * 100 + b;
  REQUIRE(y.shape() == c.y);
  const Strides in_a = broadcast_strides(c.a, c.y);
  const Strides in_b = broadcast_strides(c.b, c.y);
  const Strides in_y = contiguous_strides(c.y);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    std::int64_t at_a = 0;
    std::int64_t at_b = 0;
    for (std::size_t axis = 0; axis < c.y.rank(); ++axis) {
      const std::int64_t index = i / in_y[axis] % c.y[axis];
      at_a += index * in_a[axis];
      at_b += index * in_b[axis];
    }
    CHECK(y.data().data<double>()[i] == static_cast<double>(100 * at_a + at_b));
  }
  // Every element counts as often as it was stretched.
  const Variables g = grad({y}, {a, b}, {Variable(Array::ones(c.y, DType::float64))});
  CHECK(g[0].shape() == c.a);
  CHECK(g[1].shape() == c.b);
  for (std::int64_t i = 0; i < a.size(); ++i) {
    CHECK(g[0].data().data<double>()[i] ==
          100 * static_cast<double>(y.size()) / static_cast<double>(a.size()));
  }
  for (std::int64_t i = 0; i < b.size(); ++i) {
    CHECK(g[1].data().data<double>()[i] == static_cast<double>(y.size()) / static_cast<double>(b.size()));
  }
}

TEST_CASE("division follows IEEE 754", "[arithmetic]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable a = variable({1, -1, 0, kInf, 1}, dtype, true);
  const Variable b = variable({0, 0, 0, kInf, kInf}, dtype, true);
  const Variable y = a / b;
  CHECK(equal(y.data(), variable({kInf, -kInf, kNan, kNan, 0}, dtype).data()));
  const Variables g = grad({y}, {a, b}, {variable({1, 1, 1, 1, 1}, dtype)});
  CHECK(equal(g[0].data(), variable({kInf, kInf, kInf, 0, 0}, dtype).data()));
  CHECK(equal(g[1].data(), variable({-kInf, kInf, kNan, kNan, 0}, dtype).data()));
  CHECK(equal((1 / b).data(), variable({kInf, kInf, kInf, 0, 0}, dtype).data()));
  CHECK(equal((a / 0.0).data(), variable({kInf, -kInf, kNan, kInf, kInf}, dtype).data()));
}

TEST_CASE("the negative of 0 is -0 on every instruction set", "[arithmetic][kernels]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  INFO(to_string(active_isa()) << " " << dtype);
  const Variable x(Array::zeros({35}, dtype), true);
  const Array minus = Array::full({35}, -kInf, dtype);
  CHECK(equal((1 / (-x)).data(), minus));
  const Variable gy(Array::zeros({35}, dtype));
  const bool create_graph = GENERATE(false, true);
  const auto gradient = [&](const Variable& y) {
    return (1 / grad({y}, {x}, {gy}, {.create_graph = create_graph})[0]).data();
  };
  CHECK(equal(gradient(-x), minus));
  CHECK(equal(gradient(1 - x), minus));
  CHECK(equal(gradient(gy - x), minus));
}

TEST_CASE("a quotient's gradient overflows only when it must", "[arithmetic]") {
  const Variable a = variable({1e30}, DType::float32, true);
  const Variable b = variable({1e30}, DType::float32, true);
  const Variables g = grad({a / b}, {a, b}, {variable({1}, DType::float32)});
  CHECK(g[0].item() == Approx(1e-30));
  CHECK(g[1].item() == Approx(-1e-30));
}

TEST_CASE("a number is rounded to x's dtype before it is used", "[arithmetic]") {
  const Variable x = variable({1}, DType::float32);
  CHECK((x + 1e-9).item() == 1);
  CHECK((x * 0.1).item() == static_cast<double>(0.1F));
  CHECK((x * (1 + 1e-12)).item() == 1);
  CHECK((x / 1e300).item() == 0);
  CHECK((x - 1e300).item() == -kInf);
  CHECK((variable({1}, DType::float64) + 1e-9).item() == 1 + 1e-9);
  const Variable y = ops::mul_scalar(variable({1}, DType::float32, true), 0.1);
  CHECK(y.creator()->attributes() == Attributes{{"value", "0.1"}});  // as it was given
}

TEST_CASE("the same variable twice gets both gradients", "[arithmetic]") {
  const Variable x = variable({3}, DType::float64, true);
  CHECK(grad({x * x}, {x})[0].item() == 6);
  CHECK(grad({x + x}, {x})[0].item() == 2);
  CHECK(grad({x - x}, {x})[0].item() == 0);
  CHECK(grad({x / x}, {x})[0].item() == 0);
}

TEST_CASE("leaves that get one and the same gradient do not share its buffer", "[arithmetic]") {
  const Variable a = variable({1, 2}, DType::float64, true);
  const Variable b = variable({3, 4}, DType::float64, true);
  const Variable gy = variable({5, 6}, DType::float64);
  backward(std::vector{a + b}, std::vector{gy});
  CHECK_FALSE(a.grad().data().shares_buffer_with(b.grad().data()));
  CHECK_FALSE(a.grad().data().shares_buffer_with(gy.data()));
}

TEST_CASE("arithmetic refuses what does not fit", "[arithmetic][errors]") {
  const Variable x = counting({2, 3}, DType::float32);
  CHECK_THROWS_MATCHES(ops::add(x, counting({2, 4}, DType::float32)), ShapeError,
                       Message("add: a and b must broadcast (axis -1: a has 3, b has 4)\n"
                               "  a: float32 [2, 3]\n"
                               "  b: float32 [2, 4]\n"
                               "  hint: axes are aligned at the last one; sizes must be equal or 1, so "
                               "reshape the smaller one with axes of "
                               "size 1"));
  CHECK_THROWS_MATCHES(x / counting({3, 3}, DType::float32), ShapeError,
                       Message("div: a and b must broadcast (axis -2: a has 2, b has 3)\n"
                               "  a: float32 [2, 3]\n"
                               "  b: float32 [3, 3]\n"
                               "  hint: axes are aligned at the last one; sizes must be equal or 1, so "
                               "reshape the smaller one with axes of "
                               "size 1"));
  CHECK_THROWS_MATCHES(
      x * counting({2, 3}, DType::float64), DTypeError,
      Message("mul: b must have the dtype of a (a is float32, b is float64)\n"
              "  a: float32 [2, 3]\n"
              "  b: float64 [2, 3]\n"
              "  hint: types are never mixed silently; convert one with astype(DType::float32)"));
}

TEST_CASE("arithmetic names an undefined argument", "[arithmetic][errors]") {
  const Variable x = counting({2, 3}, DType::float32);
  const std::string hint =
      "\n  hint: Variable{} is legal for optional arguments only; give a deferred parameter its data with "
      "initialize";
  CHECK_THROWS_MATCHES(x - Variable{}, GraphError,
                       Message("sub: b must not be undefined\n  a: float32 [2, 3]\n  b: undefined" + hint));
  CHECK_THROWS_MATCHES(Variable{} - x, GraphError,
                       Message("sub: a must not be undefined\n  a: undefined\n  b: float32 [2, 3]" + hint));
  CHECK_THROWS_MATCHES(-Variable{}, GraphError,
                       Message("neg: x must not be undefined\n  x: undefined" + hint));
  CHECK_THROWS_MATCHES(Variable{} * 2, GraphError,
                       Message("mul_scalar: x must not be undefined\n  x: undefined" + hint));
}

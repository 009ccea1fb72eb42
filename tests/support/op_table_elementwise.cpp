// SPDX-License-Identifier: BSD-3-Clause
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <fathom/core/random.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/extrema.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/trigonometry.hpp>

namespace fathom::test {

namespace {

using In = Variables;
using Cases = std::vector<OpCase>;

Array positive(const Shape& shape, std::uint64_t seed) {
  return uniform({seed, 0}, shape, 0.5, 2, DType::float64);
}

void add_binary(Cases& cases) {
  const auto binary = [&](const std::string& name, Variable (*op)(const Variable&, const Variable&),
                          Array (*first)(const Shape&, std::uint64_t),
                          Array (*second)(const Shape&, std::uint64_t)) {
    const std::vector<std::pair<Shape, Shape>> shapes{{{3, 4}, {3, 4}},    {{3, 1}, {1, 4}}, {{4}, {2, 3, 4}},
                                                      {{2, 3, 4}, {3, 1}}, {{2, 3}, {}},     {{}, {}}};
    for (const auto& [a, b] : shapes) {
      cases.push_back({name + " " + to_string(a) + " " + to_string(b),
                       [op](const In& in) { return op(in[0], in[1]); },
                       {first(a, 1), second(b, 2)}});
    }
    cases.push_back({name + " of one variable twice",
                     [op](const In& in) { return op(in[0], in[0] * 1.5); },
                     {positive({2, 3}, 3)}});
  };
  binary("add", ops::add, distinct, nonzero);
  binary("sub", ops::sub, distinct, nonzero);
  binary("mul", ops::mul, distinct, nonzero);
  binary("div", ops::div, distinct, nonzero);
  binary("pow", ops::pow, positive, nonzero);
  // Multiples of 0.04 against such multiples moved by 0.02: never nearer than that.
  const auto moved = [](const Shape& shape, std::uint64_t seed) {
    Array result = distinct(shape, seed);
    double* values = result.mutable_data<double>();
    for (std::int64_t i = 0; i < result.size(); ++i) values[i] += 0.02;
    return result;
  };
  binary("maximum", ops::maximum, distinct, moved);
  binary("minimum", ops::minimum, distinct, moved);
}

void add_with_number(Cases& cases) {
  const auto with_number = [&](const std::string& name, Variable (*op)(const Variable&, double), double value,
                               Array x) {
    cases.push_back({name + " " + std::to_string(value),
                     [op, value](const In& in) { return op(in[0], value); },
                     {std::move(x)}});
  };
  with_number("add_scalar", ops::add_scalar, -1.7, nonzero({2, 5}, 4));
  with_number("sub_scalar", ops::sub_scalar, -1.7, nonzero({2, 5}, 4));
  with_number("rsub_scalar", ops::rsub_scalar, -1.7, nonzero({2, 5}, 4));
  with_number("mul_scalar", ops::mul_scalar, -1.7, nonzero({2, 5}, 4));
  with_number("div_scalar", ops::div_scalar, -1.7, nonzero({2, 5}, 4));
  with_number("rdiv_scalar", ops::rdiv_scalar, -1.7, nonzero({2, 5}, 4));
  for (const double value : {3.0, -1.5, 1.0, 0.0}) {
    with_number("pow_scalar", ops::pow_scalar, value, positive({2, 5}, 4));
  }
  with_number("pow_scalar of negative numbers", ops::pow_scalar, 3, nonzero({2, 5}, 4));
  with_number("rpow_scalar", ops::rpow_scalar, 0.5, distinct({2, 5}, 4));
  with_number("rpow_scalar", ops::rpow_scalar, 2.5, distinct({2, 5}, 4));
  with_number("maximum_scalar", ops::maximum_scalar, 0.12, distinct({2, 3, 5}, 4));
  with_number("minimum_scalar", ops::minimum_scalar, 0.12, distinct({2, 3, 5}, 4));
  with_number("clipped_relu", ops::clipped_relu, 0.32, distinct({2, 3, 5}, 4));
  with_number("leaky_relu", ops::leaky_relu, 0.2, distinct({2, 3, 5}, 4));
  with_number("leaky_relu", ops::leaky_relu, -0.5, distinct({2, 3, 5}, 4));
  with_number("hard_sigmoid", ops::hard_sigmoid, 1.25, distinct({2, 3, 5}, 4));
  with_number("elu", ops::elu, 1, distinct({2, 3, 5}, 4));
  with_number("elu", ops::elu, -0.5, distinct({2, 3, 5}, 4));
  with_number("softplus", ops::softplus, 1, distinct({2, 3, 5}, 4));
  with_number("softplus", ops::softplus, -2.5, distinct({2, 3, 5}, 4));
  with_number("swish", ops::swish, 1.5, distinct({2, 3, 5}, 4));
}

void add_unary(Cases& cases) {
  const auto unary = [&](const std::string& name, Variable (*op)(const Variable&), Array x) {
    cases.push_back({name, [op](const In& in) { return op(in[0]); }, {std::move(x)}});
  };
  const Array x = distinct({2, 3, 5}, 5);
  unary("neg", ops::neg, x);
  unary("relu", ops::relu, x);
  unary("sigmoid", ops::sigmoid, x);
  unary("tanh", ops::tanh, x);
  unary("exp", ops::exp, x);
  unary("square", ops::square, x);
  unary("absolute", ops::absolute, x);
  unary("log", ops::log, positive({2, 3, 5}, 5));
  unary("sqrt", ops::sqrt, positive({2, 3, 5}, 5));
  unary("expm1", ops::expm1, x);
  unary("log1p", ops::log1p, x);
  unary("rsqrt", ops::rsqrt, positive({2, 3, 5}, 5));
  unary("erf", ops::erf, x);
  unary("sin", ops::sin, x);
  unary("cos", ops::cos, x);
  unary("tan", ops::tan, x);
  unary("arctan", ops::arctan, x);
  unary("sinh", ops::sinh, x);
  unary("cosh", ops::cosh, x);
  unary("mish", ops::mish, x);
  unary(
      "selu", [](const Variable& v) { return ops::selu(v); }, x);
  unary(
      "gelu", [](const Variable& v) { return ops::gelu(v * 3); }, x);
  unary(
      "gelu tanh", [](const Variable& v) { return ops::gelu(v * 3, ops::GeluForm::tanh); }, x);
  // Their gradient is none: x sign(x) has sign(x).
  unary(
      "sign", [](const Variable& v) { return ops::sign(v) * v; }, x);
  unary(
      "floor", [](const Variable& v) { return ops::floor(v) * v; }, x);
  unary(
      "ceil", [](const Variable& v) { return ops::ceil(v) * v; }, x);
  // Below -3, between the kinks and above 3.
  unary(
      "hard_swish", [](const Variable& v) { return ops::hard_swish(v * 25); }, x);
  // Below 0, between the kinks and above 6.
  unary(
      "relu6", [](const Variable& v) { return ops::relu6(v * 25); }, x);
  unary(
      "clip", [](const Variable& v) { return ops::clip(v, -0.24, 0.2); }, x);
}

void add_channelwise(Cases& cases) {
  for (const auto& [x, weights] : std::vector<std::pair<Shape, Shape>>{
           {{2, 3, 4}, {3}}, {{2, 3, 4}, {3, 4}}, {{2, 3}, {3}}, {{5}, {}}, {{2, 3, 2, 2}, {3}}}) {
    const std::string shapes = " " + to_string(x) + " " + to_string(weights);
    cases.push_back({"prelu" + shapes,
                     [](const In& in) { return ops::prelu(in[0], in[1]); },
                     {distinct(x, 12), distinct(weights, 13)}});
    cases.push_back({"swish" + shapes,
                     [](const In& in) { return ops::swish(in[0], in[1]); },
                     {distinct(x, 14), nonzero(weights, 15)}});
  }
  for (const std::int64_t axis : {0, 1, -1}) {
    cases.push_back({"crelu axis " + std::to_string(axis),
                     [axis](const In& in) { return ops::crelu(in[0], axis); },
                     {distinct({2, 4, 6}, 16)}});
    cases.push_back({"maxout axis " + std::to_string(axis),
                     [axis](const In& in) { return ops::maxout(in[0], 2, axis); },
                     {distinct({2, 4, 6}, 17)}});
  }
}

}  // namespace

void add_elementwise(std::vector<OpCase>& cases) {
  add_binary(cases);
  add_with_number(cases);
  add_unary(cases);
  add_channelwise(cases);
}

}  // namespace fathom::test

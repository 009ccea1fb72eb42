// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/extrema.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/trigonometry.hpp>

#include "operations.hpp"

namespace fathom::reference {
namespace {

Operation unary(Variable (*function)(const Variable&)) {
  return [function](Params&, Inputs& in) { return Outputs{function(in["x"])}; };
}

Operation binary(Variable (*function)(const Variable&, const Variable&)) {
  return [function](Params&, Inputs& in) { return Outputs{function(in["a"], in["b"])}; };
}

Operation with_number(Variable (*function)(const Variable&, double)) {
  return [function](Params& params, Inputs& in) {
    return Outputs{function(in["x"], params.get<double>("value"))};
  };
}

/// An op with one option, and its default in Chainer.
Operation with_option(Variable (*function)(const Variable&, double), const char* name, double value) {
  return [=](Params& params, Inputs& in) {
    double number = value;
    params.read(name, number);
    return Outputs{function(in["x"], number)};
  };
}

Outputs selu(Params& params, Inputs& in) {
  double alpha = 1.6732632423543772848170429916717;
  double scale = 1.0507009873554804934193349852946;
  params.read("alpha", alpha).read("scale", scale);
  return {ops::selu(in["x"], alpha, scale)};
}

Outputs crelu(Params& params, Inputs& in) {
  std::int64_t axis = 1;
  params.read("axis", axis);
  return {ops::crelu(in["x"], axis)};
}

Outputs maxout(Params& params, Inputs& in) {
  std::int64_t axis = 1;
  params.read("axis", axis);
  return {ops::maxout(in["x"], params.get<std::int64_t>("pool_size"), axis)};
}

Outputs clip(Params& params, Inputs& in) {
  return {ops::clip(in["x"], params.get<double>("x_min"), params.get<double>("x_max"))};
}

Outputs graph_diamond(Params&, Inputs& in) {
  const Variable x = in["x"];
  const Variable a = ops::sigmoid(x * in["w"]);
  const Variable b = ops::tanh(x) + a;
  return {ops::sum(a * b + x) + ops::sum(b * b)};
}

Outputs graph_reuse(Params&, Inputs& in) {
  const Variable x = in["x"];
  Variable y = x;
  for (int i = 0; i < 4; ++i) y = y * x + y;
  return {y};
}

}  // namespace

Operations elementwise_operations() {
  return {
      {"relu", unary(ops::relu)},
      {"sigmoid", unary(ops::sigmoid)},
      {"tanh", unary(ops::tanh)},
      {"relu6", unary(ops::relu6)},
      {"clipped_relu", with_option(ops::clipped_relu, "z", 20)},
      {"leaky_relu", with_option(ops::leaky_relu, "slope", 0.2)},
      {"hard_sigmoid", unary([](const Variable& x) { return ops::hard_sigmoid(x); })},
      {"elu", with_option(ops::elu, "alpha", 1)},
      {"selu", selu},
      {"softplus", with_option(ops::softplus, "beta", 1)},
      {"swish", [](Params&, Inputs& in) { return Outputs{ops::swish(in["x"], in["beta"])}; }},
      {"hard_swish", unary(ops::hard_swish)},
      {"gelu", unary([](const Variable& x) { return ops::gelu(x); })},
      {"mish", unary(ops::mish)},
      {"prelu", [](Params&, Inputs& in) { return Outputs{ops::prelu(in["x"], in["W"])}; }},
      {"crelu", crelu},
      {"maxout", maxout},
      {"exp", unary(ops::exp)},
      {"expm1", unary(ops::expm1)},
      {"log1p", unary(ops::log1p)},
      {"rsqrt", unary(ops::rsqrt)},
      {"erf", unary(ops::erf)},
      {"sign", unary(ops::sign)},
      {"floor", unary(ops::floor)},
      {"ceil", unary(ops::ceil)},
      {"sin", unary(ops::sin)},
      {"cos", unary(ops::cos)},
      {"tan", unary(ops::tan)},
      {"arctan", unary(ops::arctan)},
      {"sinh", unary(ops::sinh)},
      {"cosh", unary(ops::cosh)},
      {"log", unary(ops::log)},
      {"sqrt", unary(ops::sqrt)},
      {"square", unary(ops::square)},
      {"absolute", unary(ops::absolute)},
      {"pow", binary(ops::pow)},
      {"pow_scalar", with_number(ops::pow_scalar)},
      {"rpow_scalar", with_number(ops::rpow_scalar)},
      {"maximum", binary(ops::maximum)},
      {"minimum", binary(ops::minimum)},
      {"clip", clip},
      {"neg", unary(ops::neg)},
      {"add", binary(ops::add)},
      {"sub", binary(ops::sub)},
      {"mul", binary(ops::mul)},
      {"div", binary(ops::div)},
      {"add_scalar", with_number(ops::add_scalar)},
      {"sub_scalar", with_number(ops::sub_scalar)},
      {"rsub_scalar", with_number(ops::rsub_scalar)},
      {"mul_scalar", with_number(ops::mul_scalar)},
      {"div_scalar", with_number(ops::div_scalar)},
      {"rdiv_scalar", with_number(ops::rdiv_scalar)},
      {"graph_diamond", graph_diamond},
      {"graph_reuse", graph_reuse},
  };
}

}  // namespace fathom::reference

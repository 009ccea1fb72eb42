// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/extrema.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/reduction.hpp>

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

Outputs clipped_relu(Params& params, Inputs& in) {
  double z = 20;
  params.read("z", z);
  return {ops::clipped_relu(in["x"], z)};
}

Outputs leaky_relu(Params& params, Inputs& in) {
  double slope = 0.2;
  params.read("slope", slope);
  return {ops::leaky_relu(in["x"], slope)};
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
      {"clipped_relu", clipped_relu},
      {"leaky_relu", leaky_relu},
      {"hard_sigmoid", unary([](const Variable& x) { return ops::hard_sigmoid(x); })},
      {"exp", unary(ops::exp)},
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

// SPDX-License-Identifier: BSD-3-Clause
#include <support/error_table_parts.hpp>

#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/extrema.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/trigonometry.hpp>

namespace fathom::test {

ErrorCase unary_errors(const std::string& op, std::function<Variable(const Variable&)> function) {
  return {.op = op,
          .arguments = {{"x", {2, 3}}},
          .function = [function = std::move(function)](const Operands& in) { return function(in[0]); },
          .any_rank = true,
          .any_size = true,
          .empty = {{{{0, 3}}, {0, 3}}, {{{2, 0, 1}}, {2, 0, 1}}}};
}

ErrorCase binary_errors(const std::string& op, Variable (*function)(const Variable&, const Variable&)) {
  return {.op = op,
          .arguments = {{"a", {2, 3}}, {"b", {2, 3}}},
          .function = [function](const Operands& in) { return function(in[0], in[1]); },
          .any_rank = true,
          .refused = {{"sizes that do not broadcast", {{2, 3}, {2, 4}}},
                      {"sizes that do not broadcast", {{2, 3}, {2}}},
                      {"no elements and two", {{0, 3}, {2, 3}}}},
          .empty = {{{{0, 3}, {3}}, {0, 3}}, {{{0, 3}, {0, 3}}, {0, 3}}, {{{1, 2}, {0, 1}}, {0, 2}}}};
}

namespace {

ErrorCase channelwise_errors(const std::string& op, const std::string& weights,
                             Variable (*function)(const Variable&, const Variable&)) {
  return {.op = op,
          .arguments = {{"x", {2, 3, 4}}, {weights, {3}}},
          .function = [function](const Operands& in) { return function(in[0], in[1]); },
          .refused = {{"another number of channels", {{2, 3, 4}, {4}}},
                      {"sizes of the first axis", {{2, 3, 4}, {2, 3}}},
                      {"as many axes as x", {{3}, {3}}},
                      {"no axes", {{}, {}}}},
          .empty = {{{{0, 3, 4}, {3}}, {0, 3, 4}}, {{{2, 0}, {0}}, {2, 0}}, {{{2, 3, 0}, {3}}, {2, 3, 0}}}};
}

void add_unit_errors(std::vector<ErrorCase>& cases) {
  cases.push_back(unary_errors("hard_swish", ops::hard_swish));
  cases.push_back(unary_errors("mish", ops::mish));
  cases.push_back(unary_errors("elu", [](const Variable& x) { return ops::elu(x); }));
  cases.push_back(unary_errors("selu", [](const Variable& x) { return ops::selu(x); }));
  cases.push_back(unary_errors("softplus", [](const Variable& x) { return ops::softplus(x); }));
  cases.push_back(unary_errors("swish", [](const Variable& x) { return ops::swish(x); }));
  cases.push_back(unary_errors("gelu", [](const Variable& x) { return ops::gelu(x); }));
  cases.push_back(unary_errors("gelu", [](const Variable& x) { return ops::gelu(x, ops::GeluForm::tanh); }));
  cases.push_back(channelwise_errors("prelu", "W", ops::prelu));
  cases.push_back(channelwise_errors("swish", "beta", ops::swish));
  cases.push_back({.op = "crelu",
                   .arguments = {{"x", {2, 3}}},
                   .function = [](const Operands& in) { return ops::crelu(in[0]); },
                   .any_size = true,
                   .refused = {{"no axis 1", {{3}}}, {"no axes", {{}}}},
                   .empty = {{{{0, 3}}, {0, 6}}, {{{2, 0, 1}}, {2, 0, 1}}}});
  cases.push_back({.op = "maxout",
                   .arguments = {{"x", {2, 6}}},
                   .function = [](const Operands& in) { return ops::maxout(in[0], 3); },
                   .refused = {{"no axis 1", {{3}}}, {"a size that 3 does not divide", {{2, 4}}}},
                   .empty = {{{{0, 6}}, {0, 2}}, {{{2, 0}}, {2, 0}}, {{{2, 6, 0}}, {2, 2, 0}}}});
}

void add_function_errors(std::vector<ErrorCase>& cases) {
  cases.push_back(unary_errors("exp", ops::exp));
  cases.push_back(unary_errors("expm1", ops::expm1));
  cases.push_back(unary_errors("log", ops::log));
  cases.push_back(unary_errors("log1p", ops::log1p));
  cases.push_back(unary_errors("sqrt", ops::sqrt));
  cases.push_back(unary_errors("rsqrt", ops::rsqrt));
  cases.push_back(unary_errors("square", ops::square));
  cases.push_back(unary_errors("absolute", ops::absolute));
  cases.push_back(unary_errors("erf", ops::erf));
  cases.push_back(unary_errors("sin", ops::sin));
  cases.push_back(unary_errors("cos", ops::cos));
  cases.push_back(unary_errors("tan", ops::tan));
  cases.push_back(unary_errors("arctan", ops::arctan));
  cases.push_back(unary_errors("sinh", ops::sinh));
  cases.push_back(unary_errors("cosh", ops::cosh));
  // Constants: a product with x lets the test ask for a gradient.
  cases.push_back(unary_errors("sign", [](const Variable& x) { return ops::sign(x) * x; }));
  cases.push_back(unary_errors("floor", [](const Variable& x) { return ops::floor(x) * x; }));
  cases.push_back(unary_errors("ceil", [](const Variable& x) { return ops::ceil(x) * x; }));
}

}  // namespace

void add_elementwise_errors(std::vector<ErrorCase>& cases) {
  cases.push_back(unary_errors("neg", ops::neg));
  cases.push_back(unary_errors("relu", ops::relu));
  cases.push_back(unary_errors("relu6", ops::relu6));
  cases.push_back(unary_errors("sigmoid", ops::sigmoid));
  cases.push_back(unary_errors("tanh", ops::tanh));
  add_function_errors(cases);
  add_unit_errors(cases);
  cases.push_back(unary_errors("clip", [](const Variable& x) { return ops::clip(x, -1, 1); }));

  cases.push_back(binary_errors("add", ops::add));
  cases.push_back(binary_errors("sub", ops::sub));
  cases.push_back(binary_errors("mul", ops::mul));
  cases.push_back(binary_errors("div", ops::div));
  cases.push_back(binary_errors("pow", ops::pow));
  cases.push_back(binary_errors("maximum", ops::maximum));
  cases.push_back(binary_errors("minimum", ops::minimum));

  const auto with_number = [&](const std::string& op, Variable (*function)(const Variable&, double)) {
    cases.push_back(unary_errors(op, [function](const Variable& x) { return function(x, 2); }));
  };
  with_number("add_scalar", ops::add_scalar);
  with_number("sub_scalar", ops::sub_scalar);
  with_number("rsub_scalar", ops::rsub_scalar);
  with_number("mul_scalar", ops::mul_scalar);
  with_number("div_scalar", ops::div_scalar);
  with_number("rdiv_scalar", ops::rdiv_scalar);
  with_number("pow_scalar", ops::pow_scalar);
  with_number("rpow_scalar", ops::rpow_scalar);
  with_number("maximum_scalar", ops::maximum_scalar);
  with_number("minimum_scalar", ops::minimum_scalar);
  with_number("clipped_relu", ops::clipped_relu);
  with_number("leaky_relu", ops::leaky_relu);
  with_number("hard_sigmoid", ops::hard_sigmoid);
}

}  // namespace fathom::test

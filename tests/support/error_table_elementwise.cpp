// SPDX-License-Identifier: BSD-3-Clause
#include <support/error_table_parts.hpp>

#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/extrema.hpp>
#include <fathom/ops/math.hpp>

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

void add_elementwise_errors(std::vector<ErrorCase>& cases) {
  cases.push_back(unary_errors("neg", ops::neg));
  cases.push_back(unary_errors("relu", ops::relu));
  cases.push_back(unary_errors("relu6", ops::relu6));
  cases.push_back(unary_errors("sigmoid", ops::sigmoid));
  cases.push_back(unary_errors("tanh", ops::tanh));
  cases.push_back(unary_errors("exp", ops::exp));
  cases.push_back(unary_errors("log", ops::log));
  cases.push_back(unary_errors("sqrt", ops::sqrt));
  cases.push_back(unary_errors("square", ops::square));
  cases.push_back(unary_errors("absolute", ops::absolute));
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

// SPDX-License-Identifier: BSD-3-Clause
#include <support/error_table_parts.hpp>

#include <fathom/ops/accuracy.hpp>
#include <fathom/ops/dropout.hpp>
#include <fathom/ops/hinge.hpp>
#include <fathom/ops/regression_loss.hpp>
#include <fathom/ops/sigmoid_cross_entropy.hpp>
#include <fathom/ops/softmax.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

namespace fathom::test {

using enum ArgumentKind;

void add_loss_errors(std::vector<ErrorCase>& cases) {
  cases.push_back(
      {.op = "softmax_cross_entropy",
       .arguments = {{"x", {2, 3}}, {"t", {2}, labels}, {"class_weight", {3}, data}},
       .function = [](const Operands& in) { return ops::softmax_cross_entropy(in[0], in[1], {}, in[2]); },
       .refused = {{"x of rank 1", {{3}, {3}, {3}}},
                   {"t of rank 2", {{2, 3}, {2, 3}, {3}}},
                   {"class_weight of rank 2", {{2, 3}, {2}, {1, 3}}},
                   {"other batch", {{2, 3}, {3}, {3}}},
                   {"other class_weight", {{2, 3}, {2}, {2}}},
                   {"no classes", {{2, 0}, {2}, {0}}}},
       .empty = {{{{0, 3}, {0}, {3}}, {}}, {{{2, 3, 0}, {2, 0}, {3}}, {}}}});
  const auto along_axis = [&](const std::string& name, Variable (*op)(const Variable&, std::int64_t)) {
    cases.push_back({.op = name,
                     .arguments = {{"x", {2, 3}}},
                     .function = [op](const Operands& in) { return op(in[0], 1); },
                     .any_size = true,
                     .refused = {{"axis 1 of one axis", {{3}}}},
                     .empty = {{{{0, 3}}, {0, 3}}, {{{2, 0}}, {2, 0}}}});
  };
  along_axis("softmax", ops::softmax);
  along_axis("log_softmax", ops::log_softmax);
  const auto regression = [&](const std::string& name, Variable (*op)(const Variable&, const Variable&),
                              const Shape& of_empty) {
    cases.push_back({.op = name,
                     .arguments = {{"x0", {2, 3}}, {"x1", {2, 3}}},
                     .function = [op](const Operands& in) { return op(in[0], in[1]); },
                     .refused = {{"x1 of rank 1", {{2, 3}, {3}}}, {"other x1", {{2, 3}, {2, 1}}}},
                     .empty = {{{{0, 3}, {0, 3}}, of_empty}}});
  };
  regression("absolute_error", ops::absolute_error, {0, 3});
  regression("squared_error", ops::squared_error, {0, 3});
  regression("mean_absolute_error", ops::mean_absolute_error, {});
  regression("mean_squared_error", ops::mean_squared_error, {});
  regression("huber_loss", [](const Variable& x0, const Variable& x1) { return ops::huber_loss(x0, x1); },
             {0});
  cases.back().refused.push_back({"no axis 1", {{3}, {3}}});
  cases.push_back(
      {.op = "gaussian_nll",
       .arguments = {{"x", {2, 3}}, {"mean", {2, 3}}, {"ln_var", {2, 3}}},
       .function = [](const Operands& in) { return ops::gaussian_nll(in[0], in[1], in[2]); },
       .any_rank = true,
       .refused = {{"other mean", {{2, 3}, {2, 2}, {2, 3}}}, {"other ln_var", {{2, 3}, {2, 3}, {4, 3}}}},
       .empty = {{{{0, 3}, {3}, {0, 1}}, {}}}});
  cases.push_back({.op = "sigmoid_cross_entropy",
                   .arguments = {{"x", {2, 3}}, {"t", {2, 3}, data}},
                   .function = [](const Operands& in) { return ops::sigmoid_cross_entropy(in[0], in[1]); },
                   .refused = {{"t of rank 1", {{2, 3}, {3}}}, {"other t", {{2, 3}, {2, 1}}}},
                   .empty = {{{{0, 3}, {0, 3}}, {}}}});
  // Scores of either type fit labels of either type, so that the labels are no argument of these rows.
  const auto first_class = [](const Variable& x) {
    return Array::zeros({x.defined() ? x.shape(0) : 1}, DType::int64);
  };
  cases.push_back(
      {.op = "hinge",
       .arguments = {{"x", {2, 3}}},
       .function = [=](const Operands& in) { return ops::hinge(in[0], first_class(in[0])); },
       .any_size = true,
       .refused = {{"x of rank 1", {{3}}}, {"x of rank 3", {{2, 3, 1}}}, {"no classes", {{2, 0}}}},
       .empty = {{{{0, 3}}, {}}}});
  cases.push_back({.op = "accuracy",
                   .arguments = {{"y", {2, 3}}},
                   .function = [=](const Operands& in) -> Operand {
                     return ops::accuracy(in[0].variable, first_class(in[0]));
                   },
                   .any_size = true,
                   .refused = {{"y of rank 1", {{3}}}, {"no classes", {{2, 0}}}},
                   .empty = {{{{0, 3}}, {}}}});
  cases.push_back(unary_errors("stochastic_depth",
                               [](const Variable& x) { return ops::stochastic_depth(x, {}, {}, 0); }));
  cases.back().refused.push_back({"a scalar", {{}}});
  cases.push_back({.op = "dropout",
                   .arguments = {{"x", {2, 3}}, {"mask", {2, 3}, data}},
                   .function = [](const Operands& in) { return ops::dropout(in[0], in[1]); },
                   .refused = {{"mask of rank 1", {{2, 3}, {3}}}, {"other mask", {{2, 3}, {2, 1}}}},
                   .empty = {{{{0, 3}, {0, 3}}, {0, 3}}}});
}

}  // namespace fathom::test

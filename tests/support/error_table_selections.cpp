// SPDX-License-Identifier: BSD-3-Clause
// Ops that reorder, repeat, choose or add up elements.
#include <support/error_table_parts.hpp>

#include <fathom/ops/accuracy.hpp>
#include <fathom/ops/cumsum.hpp>
#include <fathom/ops/depth2space.hpp>
#include <fathom/ops/embed_id.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/im2col.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/tensordot.hpp>
#include <fathom/ops/tiling.hpp>
#include <fathom/ops/top_k.hpp>

namespace fathom::test {
namespace {

using enum ArgumentKind;

/// An op of x (2, 3) that needs two axes, of any sizes; of (0, 3) it makes `empty`.
ErrorCase of_matrix(const std::string& op, std::function<Variable(const Variable&)> function,
                    const Shape& empty) {
  ErrorCase c = unary_errors(op, std::move(function));
  c.any_rank = false;
  c.refused = {{"no axis 1", {{2}}}};
  c.empty = {{{{0, 3}}, empty}};
  return c;
}

void add_orders(std::vector<ErrorCase>& cases) {
  ErrorCase c = unary_errors("flatten", ops::flatten);
  c.empty = {{{{0, 3}}, {0}}};
  cases.push_back(c);
  cases.push_back(of_matrix("moveaxis", [](const Variable& x) { return ops::moveaxis(x, 1, 0); }, {3, 0}));
  cases.push_back(of_matrix("rollaxis", [](const Variable& x) { return ops::rollaxis(x, 1); }, {3, 0}));
  cases.push_back(of_matrix("swapaxes", [](const Variable& x) { return ops::swapaxes(x, 0, 1); }, {3, 0}));
  cases.push_back(of_matrix("flip", [](const Variable& x) { return ops::flip(x, 1); }, {0, 3}));
  cases.push_back(of_matrix("cumsum", [](const Variable& x) { return ops::cumsum(x, {.axis = 1}); }, {0, 3}));
  cases.push_back(of_matrix("prod", [](const Variable& x) { return ops::prod(x, {.axis = Axes{1}}); }, {0}));
  cases.back().empty.push_back({{{2, 0}}, {2}});

  c = of_matrix("repeat", [](const Variable& x) { return ops::repeat(x, {1, 2, 0}, 1); }, {0, 3});
  c.any_size = false;
  c.refused.push_back({"a column without number", {{2, 4}}});
  cases.push_back(c);
  c = unary_errors("tile", [](const Variable& x) { return ops::tile(x, {2, 1}); });
  c.empty = {{{{0, 3}}, {0, 3}}, {{{0}}, {2, 0}}};
  cases.push_back(c);

  const auto image = [&](const std::string& op, const Shape& x,
                         std::function<Variable(const Variable&)> function, const Shape& wrong_size,
                         const ErrorCase::Empty& empty) {
    cases.push_back(
        {.op = op,
         .arguments = {{"x", x}},
         .function = [function = std::move(function)](const Operands& in) { return function(in[0]); },
         .refused = {{"an axis missing", {Shape(x.span().first(3))}}, {"another size", {wrong_size}}},
         .empty = {empty}});
  };
  image("depth2space", {1, 8, 2, 3}, [](const Variable& x) { return ops::depth2space(x, 2); }, {1, 6, 2, 3},
        {{{0, 8, 2, 3}}, {0, 2, 4, 6}});
  image("space2depth", {1, 2, 4, 6}, [](const Variable& x) { return ops::space2depth(x, 2); }, {1, 2, 4, 5},
        {{{0, 2, 4, 6}}, {0, 8, 2, 3}});
  image("im2col", {1, 2, 4, 5}, [](const Variable& x) { return ops::im2col(x, {.kernel = 3}); }, {1, 2, 2, 5},
        {{{0, 2, 4, 5}}, {0, 18, 2, 3}});
  image("col2im", {1, 18, 2, 3},
        [](const Variable& x) {
          return ops::col2im(x, {4, 5}, {.kernel = 3});
        },
        {1, 18, 3, 3}, {{{0, 18, 2, 3}}, {0, 2, 4, 5}});
}

void add_selections(std::vector<ErrorCase>& cases) {
  // Floats of either type fit labels of either type, so that labels are no argument of a row.
  const auto zeros = [](const Variable& x) {
    return Array::zeros({x.defined() ? x.shape(0) : 1}, DType::int64);
  };
  cases.push_back({.op = "select_item",
                   .arguments = {{"x", {2, 3}}},
                   .function = [=](const Operands& in) { return ops::select_item(in[0], zeros(in[0])); },
                   .any_size = true,
                   .refused = {{"x of rank 1", {{2}}}, {"no classes", {{2, 0}}}},
                   .empty = {{{{0, 3}}, {0}}}});
  cases.push_back({.op = "scatter_add",
                   .arguments = {{"a", {4, 3}}, {"b", {2, 3}}},
                   .function =
                       [](const Operands& in) {
                         return ops::scatter_add(in[0], {Slice{1, 3}}, in[1]);
                       },
                   .refused = {{"an axis too many", {{4, 3}, {1, 2, 3}}}, {"another size", {{4, 3}, {3, 3}}}},
                   .empty = {{{{4, 0}, {2, 0}}, {4, 0}}, {{{0, 3}, {0, 3}}, {0, 3}}}});
  cases.push_back({.op = "embed_id",
                   .arguments = {{"W", {5, 3}}},
                   .function =
                       [](const Operands& in) {
                         return ops::embed_id(Array::zeros({2, 2}, DType::int64), in[0]);
                       },
                   .any_size = true,
                   .refused = {{"W of rank 1", {{5}}}, {"no rows", {{0, 3}}}},
                   .empty = {{{{5, 0}}, {2, 2, 0}}}});
  cases.push_back({.op = "top_k",
                   .arguments = {{"x", {2, 3}}},
                   .function = [](const Operands& in) { return ops::top_k(in[0], 2).values; },
                   .refused = {{"without axes", {{}}}, {"one element", {{2, 1}}}, {"no element", {{2, 0}}}},
                   .empty = {{{{0, 3}}, {0, 2}}}});
  cases.push_back({.op = "confusion_matrix",
                   .arguments = {{"y", {2, 3}}},
                   .function = [=](const Operands& in) -> Operand {
                     return ops::confusion_matrix(in[0].variable, zeros(in[0]));
                   },
                   .any_size = true,
                   .refused = {{"y of rank 1", {{3}}}, {"no classes", {{2, 0}}}},
                   .empty = {{{{0, 3}}, {3, 3}}}});
}

void add_sums(std::vector<ErrorCase>& cases) {
  cases.push_back(
      {.op = "tensordot",
       .arguments = {{"a", {2, 3, 4}}, {"b", {4, 3, 5}}},
       .function =
           [](const Operands& in) {
             return ops::tensordot(in[0], in[1], Axes{1, 2}, Axes{1, 0});
           },
       .refused = {{"an axis missing", {{2, 3}, {4, 3, 5}}}, {"another size", {{2, 3, 4}, {3, 4, 5}}}},
       .empty = {{{{0, 3, 4}, {4, 3, 5}}, {0, 5}}, {{{2, 0, 4}, {4, 0, 5}}, {2, 5}}}});
  cases.push_back(
      {.op = "average",
       .arguments = {{"x", {2, 3}}, {"weights", {3}, optional}},
       .function = [](const Operands& in) { return ops::average(in[0], in[1], {.axis = Axes{1}}); },
       .refused = {{"no axis 1", {{3}, {3}}}, {"another size", {{2, 3}, {2}}}},
       .empty = {{{{0, 3}, {3}}, {0}}, {{{2, 0}, {0}}, {2}}}});
  ErrorCase c =
      of_matrix("logsumexp", [](const Variable& x) { return ops::logsumexp(x, {.axis = Axes{1}}); }, {0});
  c.refused.push_back({"nothing to add up", {{2, 0}}});
  cases.push_back(c);

  c = binary_errors("hstack", nullptr);
  c.arguments = {{"xs", {2, 3}}, {"xs", {2, 4}}};
  c.function = [](const Operands& in) { return ops::hstack({in[0].variable, in[1].variable}); };
  c.refused = {{"another size", {{2, 3}, {3, 4}}}, {"an axis missing", {{2, 3}, {3}}}};
  c.empty = {{{{2, 0}, {2, 4}}, {2, 4}}, {{{0}, {3}}, {3}}};
  cases.push_back(c);
  c.op = "vstack";
  c.arguments = {{"xs", {2, 3}}, {"xs", {4, 3}}};
  c.function = [](const Operands& in) { return ops::vstack({in[0].variable, in[1].variable}); };
  c.refused = {{"another size", {{2, 3}, {2, 4}}}, {"an axis missing", {{2, 3}, {3}}}};
  c.empty = {{{{0, 3}, {4, 3}}, {4, 3}}, {{{0}, {0}}, {2, 0}}};
  cases.push_back(c);
  c = of_matrix("separate", [](const Variable& x) { return ops::separate(x, 1)[0]; }, {0});
  c.refused.push_back({"no element", {{2, 0}}});
  cases.push_back(c);
}

}  // namespace

void add_selection_errors(std::vector<ErrorCase>& cases) {
  add_orders(cases);
  add_selections(cases);
  add_sums(cases);
}

}  // namespace fathom::test

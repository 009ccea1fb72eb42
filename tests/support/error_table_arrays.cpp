// SPDX-License-Identifier: BSD-3-Clause
// Ops that move, join, cut out or choose elements.
#include <support/error_table_parts.hpp>

#include <fathom/ops/argmax.hpp>
#include <fathom/ops/cast.hpp>
#include <fathom/ops/checkpoint.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/where.hpp>

namespace fathom::test {
namespace {

void add_moves(std::vector<ErrorCase>& cases) {
  ErrorCase c = unary_errors("cast", [](const Variable& x) { return ops::cast(x, DType::float64); });
  cases.push_back(c);

  c = unary_errors("expand_dims", [](const Variable& x) { return ops::expand_dims(x, 2); });
  c.arguments[0].shape = {2, 3};
  c.any_rank = false;
  c.refused = {{"no place 2", {{2}}}};
  c.empty = {{{{0, 3}}, {0, 3, 1}}};
  cases.push_back(c);

  c = unary_errors("squeeze", [](const Variable& x) { return ops::squeeze(x, Axes{1}); });
  c.arguments[0].shape = {2, 1};
  c.any_rank = c.any_size = false;
  c.refused = {{"size 3", {{2, 3}}}, {"no axis 1", {{1}}}, {"no element", {{2, 0}}}};
  c.empty = {{{{0, 1}}, {0}}};
  cases.push_back(c);

  c = unary_errors("pad", [](const Variable& x) { return ops::pad(x, {{1, 0}, {0, 2}}); });
  c.arguments[0].shape = {2, 3};
  c.any_rank = false;
  c.refused = {{"an axis too many", {{2, 3, 4}}}, {"an axis missing", {{2}}}};
  c.empty = {{{{0, 3}}, {1, 5}}};
  cases.push_back(c);

  c = unary_errors("get_item", [](const Variable& x) { return ops::get_item(x, {1, Slice{0, 2}}); });
  c.arguments[0].shape = {2, 3};
  c.any_rank = c.any_size = false;
  c.refused = {{"an axis missing", {{2}}}, {"no row 1", {{1, 3}}}, {"no row", {{0, 3}}}};
  c.empty = {{{{2, 0}}, {0}}};
  cases.push_back(c);

  c = unary_errors("split_axis", [](const Variable& x) { return ops::split_axis(x, 2, 1)[0]; });
  c.arguments[0].shape = {3, 4};
  c.any_rank = c.any_size = false;
  c.refused = {{"no axis 1", {{4}}}, {"an odd size", {{3, 5}}}};
  c.empty = {{{{3, 0}}, {3, 0}}, {{{0, 4}}, {0, 2}}};
  cases.push_back(c);
}

void add_joins(std::vector<ErrorCase>& cases) {
  ErrorCase c = binary_errors("concat", nullptr);
  c.arguments = {{"xs", {2, 3}}, {"xs", {2, 4}}};
  c.function = [](const Operands& in) { return ops::concat({in[0].variable, in[1].variable}); };
  c.refused = {{"another size", {{2, 3}, {3, 4}}}, {"an axis too many", {{2, 3}, {2, 3, 4}}}};
  c.empty = {{{{2, 0}, {2, 4}}, {2, 4}}, {{{0, 3}, {0, 4}}, {0, 7}}};
  cases.push_back(c);

  c.op = "stack";
  c.arguments = {{"xs", {2, 3}}, {"xs", {2, 3}}};
  c.function = [](const Operands& in) { return ops::stack({in[0].variable, in[1].variable}); };
  c.refused = {{"another size", {{2, 3}, {3, 3}}}, {"an axis too many", {{2, 3}, {1, 2, 3}}}};
  c.empty = {{{{0, 3}, {0, 3}}, {2, 0, 3}}};
  cases.push_back(c);
}

void add_choices(std::vector<ErrorCase>& cases) {
  ErrorCase c;
  c.op = "where";
  c.arguments = {{"condition", {2, 3}, ArgumentKind::mask}, {"a", {2, 3}}, {"b", {3}}};
  c.function = [](const Operands& in) { return ops::where(in[0], in[1], in[2]); };
  c.any_rank = true;
  c.refused = {{"another size of a", {{2, 3}, {2, 4}, {3}}}, {"another condition", {{2, 2}, {2, 3}, {3}}}};
  c.empty = {{{{0, 3}, {0, 3}, {3}}, {0, 3}}, {{{1, 3}, {0, 3}, {3}}, {0, 3}}};
  cases.push_back(c);

  const auto chooser = [&](const std::string& op, std::function<Operand(const Operands&)> function) {
    ErrorCase extremum = unary_errors(op, nullptr);
    extremum.function = std::move(function);
    extremum.arguments[0].shape = {2, 3};
    extremum.any_rank = false;
    extremum.refused = {{"no axis 1", {{2}}}, {"nothing to choose from", {{2, 0}}}};
    extremum.empty = {{{{0, 3}}, {0}}};
    cases.push_back(extremum);
  };
  chooser("max", [](const Operands& in) { return ops::max(in[0], {.axis = Axes{1}}); });
  chooser("min", [](const Operands& in) { return ops::min(in[0], {.axis = Axes{1}}); });
  chooser("argmax", [](const Operands& in) { return ops::argmax(in[0], 1); });
  chooser("argmin", [](const Operands& in) { return ops::argmin(in[0], 1); });
}

}  // namespace

void add_array_errors(std::vector<ErrorCase>& cases) {
  cases.push_back(unary_errors("checkpoint", [](const Variable& x) {
    return ops::checkpoint([](const Variable& h) { return ops::exp(h); }, x);
  }));
  add_moves(cases);
  add_joins(cases);
  add_choices(cases);
}

}  // namespace fathom::test

// SPDX-License-Identifier: BSD-3-Clause
// Changes of shape and reductions.
#include <support/error_table_parts.hpp>

#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::test {
namespace {

/// An op of x alone.
ErrorCase of_x(const std::string& op, const Shape& x, std::function<Variable(const Variable&)> function) {
  return {.op = op,
          .arguments = {{"x", x}},
          .function = [function = std::move(function)](const Operands& in) { return function(in[0]); }};
}

}  // namespace

void add_shape_errors(std::vector<ErrorCase>& cases) {
  ErrorCase c = of_x("reshape", {2, 6}, [](const Variable& x) { return ops::reshape(x, {4, 3}); });
  c.any_rank = true;
  c.refused = {{"other number of elements", {{2, 5}}}, {"no elements", {{0, 6}}}};
  cases.push_back(c);
  c.function = [](const Operands& in) { return ops::reshape(in[0], {-1, 3}); };
  c.refused = {{"no multiple of 3", {{2, 5}}}};
  c.empty = {{{{0, 6}}, {0, 3}}};
  cases.push_back(c);

  c = of_x("transpose", {2, 3}, [](const Variable& x) { return ops::transpose(x, Axes{1, 0}); });
  c.any_size = true;
  c.refused = {{"an axis too many", {{2, 3, 4}}}, {"an axis missing", {{2}}}};
  c.empty = {{{{0, 3}}, {3, 0}}};
  cases.push_back(c);

  c = of_x("broadcast_to", {3, 1}, [](const Variable& x) { return ops::broadcast_to(x, {2, 3, 4}); });
  c.refused = {{"an axis too many", {{1, 2, 3, 4}}}, {"another size", {{3, 2}}}, {"no elements", {{0, 1}}}};
  cases.push_back(c);
  c.arguments[0].shape = {1, 3};
  c.function = [](const Operands& in) { return ops::broadcast_to(in[0], {0, 3}); };
  c.empty = {{{{1, 3}}, {0, 3}}, {{{0, 1}}, {0, 3}}};
  c.refused = {{"more rows than none", {{2, 3}}}, {"an axis too many", {{1, 0, 3}}}};
  cases.push_back(c);

  c = of_x("sum_to", {2, 3, 4}, [](const Variable& x) { return ops::sum_to(x, {3, 1}); });
  c.refused = {{"an axis missing", {{3}}}, {"another size", {{2, 4, 4}}}};
  c.empty = {{{{0, 3, 4}}, {3, 1}}, {{{2, 3, 0}}, {3, 1}}};
  cases.push_back(c);

  c = of_x("sum", {2, 3}, [](const Variable& x) { return ops::sum(x, {.axis = Axes{1}}); });
  c.any_size = true;
  c.refused = {{"no axis 1", {{2}}}};
  c.empty = {{{{0, 3}}, {0}}, {{{3, 0}}, {3}}};
  cases.push_back(c);

  c.op = "mean";
  c.function = [](const Operands& in) { return ops::mean(in[0], {.axis = Axes{1}}); };
  cases.push_back(c);
}

}  // namespace fathom::test

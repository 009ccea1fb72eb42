// SPDX-License-Identifier: BSD-3-Clause
#include <support/error_table_parts.hpp>

#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>

namespace fathom::test {

void add_product_errors(std::vector<ErrorCase>& cases) {
  cases.push_back({.op = "linear",
                   .arguments = {{"x", {2, 3}}, {"W", {4, 3}}, {"b", {4}, ArgumentKind::optional}},
                   .function = [](const Operands& in) { return ops::linear(in[0], in[1], in[2]); },
                   .refused = {{"x of rank 1", {{3}, {4, 3}, {4}}},
                               {"W of rank 3", {{2, 3}, {4, 3, 1}, {4}}},
                               {"b of rank 2", {{2, 3}, {4, 3}, {1, 4}}},
                               {"other inner sizes", {{2, 3}, {4, 5}, {4}}},
                               {"other bias", {{2, 3}, {4, 3}, {3}}}},
                   .empty = {{{{0, 3}, {4, 3}, {4}}, {0, 4}}}});
  cases.push_back(
      {.op = "matmul",
       .arguments = {{"a", {2, 3}}, {"b", {3, 4}}},
       .function = [](const Operands& in) { return ops::matmul(in[0], in[1]); },
       .refused = {{"a number", {{}, {3, 4}}},
                   {"other inner sizes", {{2, 3}, {2, 4}}},
                   {"batches that do not broadcast", {{2, 1, 3}, {3, 3, 1}}}},
       .empty = {{{{0, 3}, {3, 4}}, {0, 4}}, {{{2, 0}, {0, 4}}, {2, 4}}, {{{0, 2, 3}, {3, 4}}, {0, 2, 4}}}});
}

}  // namespace fathom::test

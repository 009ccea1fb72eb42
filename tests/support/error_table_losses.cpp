// SPDX-License-Identifier: BSD-3-Clause
#include <support/error_table_parts.hpp>

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
}

}  // namespace fathom::test

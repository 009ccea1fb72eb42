// SPDX-License-Identifier: BSD-3-Clause
#include <support/error_table_parts.hpp>

#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/normalization.hpp>

namespace fathom::test {
namespace {

using enum ArgumentKind;

void add_batch_normalization(std::vector<ErrorCase>& cases) {
  cases.push_back(
      {.op = "batch_normalization",
       .arguments = {{"x", {4, 3}}, {"gamma", {3}}, {"beta", {3}}, {"residual", {4, 3}, optional}},
       .function =
           [](const Operands& in) {
             return ops::batch_normalization(in[0], in[1], in[2], nullptr, {.residual = in[3]});
           },
       .refused = {{"x of rank 1", {{4}, {3}, {3}, {4}}},
                   {"gamma of rank 2", {{4, 3}, {1, 3}, {3}, {4, 3}}},
                   {"other gamma", {{4, 3}, {2}, {3}, {4, 3}}},
                   {"other beta", {{4, 3}, {3}, {4}, {4, 3}}},
                   {"residual of rank 1", {{4, 3}, {3}, {3}, {3}}},
                   {"other residual", {{4, 3}, {3}, {3}, {1, 3}}}},
       .empty = {{{{0, 3}, {3}, {3}, {0, 3}}, {0, 3}}, {{{2, 3, 0}, {3}, {3}, {2, 3, 0}}, {2, 3, 0}}}});
  cases.push_back({.op = "fixed_batch_normalization",
                   .arguments = {{"x", {4, 3}},
                                 {"gamma", {3}},
                                 {"beta", {3}},
                                 {"mean", {3}},
                                 {"variance", {3}},
                                 {"residual", {4, 3}, optional}},
                   .function =
                       [](const Operands& in) {
                         return ops::fixed_batch_normalization(in[0], in[1], in[2], in[3], in[4],
                                                               {.residual = in[5]});
                       },
                   .refused = {{"x of rank 1", {{4}, {3}, {3}, {3}, {3}, {4}}},
                               {"mean of rank 2", {{4, 3}, {3}, {3}, {1, 3}, {3}, {4, 3}}},
                               {"other gamma", {{4, 3}, {2}, {3}, {3}, {3}, {4, 3}}},
                               {"other variance", {{4, 3}, {3}, {3}, {3}, {4}, {4, 3}}},
                               {"other residual", {{4, 3}, {3}, {3}, {3}, {3}, {4, 1}}}},
                   .empty = {{{{0, 3}, {3}, {3}, {3}, {3}, {0, 3}}, {0, 3}}}});
}

}  // namespace

void add_normalization_errors(std::vector<ErrorCase>& cases) {
  add_batch_normalization(cases);

  cases.push_back(
      {.op = "layer_normalization",
       .arguments = {{"x", {4, 3, 2}}, {"gamma", {3, 2}}, {"beta", {3, 2}}},
       .function = [](const Operands& in) { return ops::layer_normalization(in[0], in[1], in[2]); },
       .refused = {{"gamma of rank 0", {{4, 3, 2}, {}, {}}},
                   {"gamma of a higher rank", {{3, 2}, {1, 3, 2}, {3, 2}}},
                   {"gamma of the first axes", {{4, 3, 2}, {4, 3}, {4, 3}}},
                   {"beta of rank 1", {{4, 3, 2}, {3, 2}, {2}}},
                   {"other beta", {{4, 3, 2}, {3, 2}, {3, 1}}}},
       .empty = {{{{0, 3, 2}, {3, 2}, {3, 2}}, {0, 3, 2}},
                 {{{4, 0, 2}, {0, 2}, {0, 2}}, {4, 0, 2}},
                 {{{4, 0, 2}, {2}, {2}}, {4, 0, 2}}}});
  cases.push_back(
      {.op = "group_normalization",
       .arguments = {{"x", {2, 4, 3}}, {"gamma", {4}}, {"beta", {4}}},
       .function = [](const Operands& in) { return ops::group_normalization(in[0], 2, in[1], in[2]); },
       .refused = {{"x of rank 1", {{4}, {4}, {4}}},
                   {"groups that do not divide", {{2, 3, 3}, {3}, {3}}},
                   {"gamma of rank 2", {{2, 4, 3}, {4, 1}, {4}}},
                   {"other beta", {{2, 4, 3}, {4}, {2}}}},
       .empty = {{{{0, 4, 3}, {4}, {4}}, {0, 4, 3}},
                 {{{2, 4, 0}, {4}, {4}}, {2, 4, 0}},
                 {{{2, 0}, {0}, {0}}, {2, 0}}}});
  cases.push_back({.op = "local_response_normalization",
                   .arguments = {{"x", {2, 3, 4}}},
                   .function = [](const Operands& in) { return ops::local_response_normalization(in[0]); },
                   .any_size = true,
                   .refused = {{"x of rank 1", {{4}}}},
                   .empty = {{{{0, 3, 4}}, {0, 3, 4}}, {{{2, 0, 4}}, {2, 0, 4}}, {{{2, 3, 0}}, {2, 3, 0}}}});
  cases.push_back({.op = "normalize",
                   .arguments = {{"x", {2, 3, 4}}},
                   .function = [](const Operands& in) { return ops::normalize(in[0]); },
                   .any_size = true,
                   .refused = {{"x of rank 1", {{4}}}},
                   .empty = {{{{0, 3, 4}}, {0, 3, 4}}, {{{2, 0, 4}}, {2, 0, 4}}}});
}

}  // namespace fathom::test

// SPDX-License-Identifier: BSD-3-Clause
// Convolutions, pooling.
#include <support/error_table_parts.hpp>

#include <fathom/ops/average_pooling_nd.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/resize_images.hpp>
#include <fathom/ops/unpooling_2d.hpp>

namespace fathom::test {
namespace {

using enum ArgumentKind;

ErrorCase pooling(const std::string& op, std::function<Variable(const Variable&)> function,
                  const Shape& of_nothing) {
  return {.op = op,
          .arguments = {{"x", {2, 3, 4, 5}}},
          .function = [function = std::move(function)](const Operands& in) { return function(in[0]); },
          .refused = {{"no batch axis", {{3, 4, 5}}}, {"an axis too many", {{1, 2, 3, 4, 5}}}},
          .empty = {{{{0, 3, 4, 5}}, of_nothing}}};
}

void add_convolutions(std::vector<ErrorCase>& cases) {
  cases.push_back({.op = "convolution_2d",
                   .arguments = {{"x", {2, 3, 5, 6}}, {"W", {4, 3, 3, 3}}, {"b", {4}, optional}},
                   .function = [](const Operands& in) { return ops::convolution_2d(in[0], in[1], in[2]); },
                   .refused = {{"x of rank 3", {{3, 5, 6}, {4, 3, 3, 3}, {4}}},
                               {"W of rank 3", {{2, 3, 5, 6}, {4, 3, 3}, {4}}},
                               {"b of rank 2", {{2, 3, 5, 6}, {4, 3, 3, 3}, {1, 4}}},
                               {"other channels", {{2, 3, 5, 6}, {4, 2, 3, 3}, {4}}},
                               {"other bias", {{2, 3, 5, 6}, {4, 3, 3, 3}, {3}}},
                               {"a kernel too high", {{2, 3, 2, 6}, {4, 3, 3, 3}, {4}}},
                               {"no pixels", {{2, 3, 5, 0}, {4, 3, 3, 3}, {4}}}},
                   .empty = {{{{0, 3, 5, 6}, {4, 3, 3, 3}, {4}}, {0, 4, 3, 4}},
                             {{{2, 0, 5, 6}, {4, 0, 3, 3}, {4}}, {2, 4, 3, 4}}}});
  cases.push_back({.op = "deconvolution_2d",
                   .arguments = {{"x", {2, 3, 5, 6}}, {"W", {3, 4, 3, 3}}, {"b", {4}, optional}},
                   .function = [](const Operands& in) { return ops::deconvolution_2d(in[0], in[1], in[2]); },
                   .refused = {{"x of rank 3", {{3, 5, 6}, {3, 4, 3, 3}, {4}}},
                               {"W of rank 3", {{2, 3, 5, 6}, {3, 4, 3}, {4}}},
                               {"b of rank 2", {{2, 3, 5, 6}, {3, 4, 3, 3}, {1, 4}}},
                               {"other channels", {{2, 3, 5, 6}, {2, 4, 3, 3}, {4}}},
                               {"other bias", {{2, 3, 5, 6}, {3, 4, 3, 3}, {3}}},
                               {"no pixels", {{2, 3, 5, 0}, {3, 4, 3, 3}, {4}}},
                               {"no kernel", {{2, 3, 5, 6}, {3, 4, 0, 3}, {4}}}},
                   .empty = {{{{0, 3, 5, 6}, {3, 4, 3, 3}, {4}}, {0, 4, 7, 8}}}});
  cases.push_back(
      {.op = "depthwise_convolution_2d",
       .arguments = {{"x", {2, 3, 5, 6}}, {"W", {2, 3, 3, 3}}, {"b", {6}, optional}},
       .function = [](const Operands& in) { return ops::depthwise_convolution_2d(in[0], in[1], in[2]); },
       .refused = {{"x of rank 3", {{3, 5, 6}, {2, 3, 3, 3}, {6}}},
                   {"W of rank 3", {{2, 3, 5, 6}, {3, 3, 3}, {6}}},
                   {"b of rank 2", {{2, 3, 5, 6}, {2, 3, 3, 3}, {1, 6}}},
                   {"other channels", {{2, 3, 5, 6}, {2, 4, 3, 3}, {6}}},
                   {"other bias", {{2, 3, 5, 6}, {2, 3, 3, 3}, {3}}},
                   {"a kernel too wide", {{2, 3, 5, 2}, {2, 3, 3, 3}, {6}}},
                   {"no pixels", {{2, 3, 0, 6}, {2, 3, 3, 3}, {6}}},
                   {"no kernels", {{2, 3, 5, 6}, {0, 3, 3, 3}, {6}}}},
       .empty = {{{{0, 3, 5, 6}, {2, 3, 3, 3}, {6}}, {0, 6, 3, 4}}}});
}

}  // namespace

void add_image_errors(std::vector<ErrorCase>& cases) {
  add_convolutions(cases);

  cases.push_back(
      pooling("max_pooling_2d",
              [](const Variable& x) { return ops::max_pooling_2d(x, {.kernel = 3, .cover_all = false}); },
              {0, 3, 1, 1}));
  cases.back().refused.push_back({"a window wider than the image", {{2, 3, 4, 2}}});
  cases.back().refused.push_back({"no pixels", {{2, 3, 0, 5}}});
  cases.push_back(pooling("average_pooling_2d",
                          [](const Variable& x) { return ops::average_pooling_2d(x, {.kernel = 3}); },
                          {0, 3, 1, 1}));
  cases.back().refused.push_back({"a window higher than the image", {{2, 3, 2, 5}}});
  cases.push_back(pooling("average_pooling_nd",
                          [](const Variable& x) { return ops::average_pooling_nd(x, {.kernel = {3}}); },
                          {0, 3, 1, 1}));
  cases.back().refused = {{"no spatial axis", {{3, 4}}}, {"a window higher than the image", {{2, 3, 2, 5}}}};
  cases.push_back(pooling("adaptive_average_pooling_2d",
                          [](const Variable& x) {
                            return ops::adaptive_average_pooling_2d(x, {2, 7});
                          },
                          {0, 3, 2, 7}));
  cases.back().refused.push_back({"no pixels", {{2, 3, 4, 0}}});
  cases.back().any_size = true;
  cases.push_back(pooling("resize_images",
                          [](const Variable& x) {
                            return ops::resize_images(x, {2, 7});
                          },
                          {0, 3, 2, 7}));
  cases.back().refused.push_back({"no pixels", {{2, 3, 4, 0}}});
  cases.back().any_size = true;
  cases.push_back(
      pooling("unpooling_2d", [](const Variable& x) { return ops::unpooling_2d(x); }, {0, 3, 7, 9}));
  cases.back().refused.push_back({"no pixels", {{2, 3, 0, 5}}});
  cases.back().any_size = true;
  // Its indexes fit every dtype of x, so that they are no argument of this row.
  cases.push_back(pooling(
      "upsampling_2d",
      [](const Variable& x) {
        return ops::upsampling_2d(x, Array::zeros(x.defined() ? x.shape() : Shape{1, 1, 1, 1}, DType::int32));
      },
      {0, 3, 7, 9}));
  cases.back().refused.push_back({"no pixels", {{2, 3, 0, 5}}});
  cases.back().any_size = true;
  cases.push_back(pooling("global_average_pooling_2d", ops::global_average_pooling_2d, {0, 3}));
  cases.back().any_size = true;
  cases.back().empty.push_back({{{2, 3, 0, 5}}, {2, 3}});
}

}  // namespace fathom::test

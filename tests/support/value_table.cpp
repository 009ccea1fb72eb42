// SPDX-License-Identifier: BSD-3-Clause
#include <support/value_table.hpp>

#include <fathom/ops/accuracy.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/average_pooling_nd.hpp>
#include <fathom/ops/checkpoint.hpp>
#include <fathom/ops/dropout.hpp>
#include <fathom/ops/extrema.hpp>
#include <fathom/ops/im2col.hpp>
#include <fathom/ops/normalization.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/resize_images.hpp>
#include <fathom/ops/top_k.hpp>
#include <fathom/ops/unpooling_2d.hpp>

namespace fathom::test {
namespace {

Variable of(std::initializer_list<double> values, const Shape& shape) {
  return Variable{Array::from(values, shape)};
}

}  // namespace

std::vector<ValueCase> value_table() {
  return {
      {"accuracy",
       [](const Operands& in) { return ops::accuracy(in[0].variable, in[1]); },
       {of({0, 1, 2, -1}, {2, 2}), Array::from<std::int64_t>({1, 1}, {2})},
       Array::scalar(0.5, DType::float64)},
      {"confusion_matrix",
       [](const Operands& in) { return ops::confusion_matrix(in[0].variable, in[1]); },
       {of({0, 1, 2, -1, 3, 1}, {3, 2}), Array::from<std::int64_t>({1, 1, 0}, {3})},
       Array::from<std::int64_t>({1, 0, 1, 1}, {2, 2})},
      {"checkpoint",
       [](const Operands& in) {
         return ops::checkpoint([](const Variable& x) { return ops::mul(x, x); }, in[0].variable);
       },
       {of({-1, 0, 2.5}, {3})},
       Array::from({1.0, 0.0, 6.25}, {3})},
      {"top_k",
       [](const Operands& in) { return ops::top_k(in[0], 2).values; },
       {of({1, 4, 2, 3, 3, -5}, {2, 3})},
       Array::from({4.0, 2.0, 3.0, 3.0}, {2, 2})},
      {"col2im",
       [](const Operands& in) {
         return ops::col2im(in[0], {1, 3}, {.kernel = {1, 2}});
       },
       {of({1, 2, 10, 20}, {1, 2, 1, 2})},
       Array::from({1.0, 12.0, 20.0}, {1, 1, 1, 3})},
      {"sub_scalar",
       [](const Operands& in) { return ops::sub_scalar(in[0], 3); },
       {of({-1, 0, 2.5}, {3})},
       Array::from({-4.0, -3.0, -0.5}, {3})},
      {"div_scalar",
       [](const Operands& in) { return ops::div_scalar(in[0], 4); },
       {of({-1, 0, 2}, {3})},
       Array::from({-0.25, 0.0, 0.5}, {3})},
      {"maximum_scalar",
       [](const Operands& in) { return ops::maximum_scalar(in[0], 0.5); },
       {of({-1, 0.5, 2}, {3})},
       Array::from({0.5, 0.5, 2.0}, {3})},
      {"minimum_scalar",
       [](const Operands& in) { return ops::minimum_scalar(in[0], 0.5); },
       {of({-1, 0.5, 2}, {3})},
       Array::from({-1.0, 0.5, 0.5}, {3})},
      {"average_pooling_nd",
       [](const Operands& in) {
         return ops::average_pooling_nd(in[0], {.pad = {1}, .count_include_pad = false});
       },
       {of({1, 2, 4}, {1, 1, 3})},
       Array::from({1.0, 3.0}, {1, 1, 2})},
      {"adaptive_average_pooling_2d",
       [](const Operands& in) {
         return ops::adaptive_average_pooling_2d(in[0], {1, 2});
       },
       {of({1, 2, 4}, {1, 1, 1, 3})},
       Array::from({1.5, 3.0}, {1, 1, 1, 2})},
      {"unpooling_2d",
       [](const Operands& in) {
         return ops::unpooling_2d(in[0], {.kernel = {1, 2}, .stride = 1});
       },
       {of({1, 2, 4}, {1, 1, 1, 3})},
       Array::from({1.0, 3.0, 6.0, 4.0}, {1, 1, 1, 4})},
      {"upsampling_2d",
       [](const Operands& in) { return ops::upsampling_2d(in[0], in[1], {.cover_all = false}); },
       {of({1, 2}, {1, 1, 1, 2}), Array::from<std::int64_t>({3, 0}, {1, 1, 1, 2})},
       Array::from({0.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0}, {1, 1, 2, 4})},
      {"resize_images",
       [](const Operands& in) {
         return ops::resize_images(in[0], {1, 4}, {.align_corners = false});
       },
       {of({1, 3}, {1, 1, 1, 2})},
       Array::from({1.0, 1.5, 2.5, 3.0}, {1, 1, 1, 4})},
      {"stochastic_depth",
       [](const Operands& in) {
         return ops::stochastic_depth(in[0], {.ratio = 0}, {1, 2}, 3);
       },
       {of({1, 2}, {2, 1})},
       Array::from({1.0, 2.0}, {2, 1})},
      {"global_average_pooling_2d",
       [](const Operands& in) { return ops::global_average_pooling_2d(in[0]); },
       {of({1, 2, 3, 6, -1, 0, 0, 0}, {1, 2, 2, 2})},
       Array::from({3.0, -0.25}, {1, 2})},
      {"layer_normalization",  // mean 2, variance 1, eps 3
       [](const Operands& in) { return ops::layer_normalization(in[0], in[1], in[2], {.eps = 3}); },
       {of({1, 3}, {1, 2}), of({2, 4}, {2}), of({10, 20}, {2})},
       Array::from({9.0, 22.0}, {1, 2})},
      {"group_normalization",  // means 2 and 6, variances 1, eps 3
       [](const Operands& in) { return ops::group_normalization(in[0], 2, in[1], in[2], {.eps = 3}); },
       {of({1, 3, 5, 7}, {1, 4}), of({2, 2, 4, 4}, {4}), of({1, 0, 0, -1}, {4})},
       Array::from({0.0, 1.0, -2.0, 1.0}, {1, 4})},
      {"local_response_normalization",  // S = 10
       [](const Operands& in) {
         return ops::local_response_normalization(in[0], {.n = 3, .k = 6, .alpha = 1, .beta = 0.5});
       },
       {of({1, 3}, {1, 2})},
       Array::from({0.25, 0.75}, {1, 2})},
      {"normalize",  // |x| = 5
       [](const Operands& in) { return ops::normalize(in[0], {.eps = 3}); },
       {of({3, -4}, {1, 2})},
       Array::from({0.375, -0.5}, {1, 2})},
  };
}

}  // namespace fathom::test

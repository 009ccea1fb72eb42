// SPDX-License-Identifier: BSD-3-Clause
#include <support/op_table.hpp>
#include <support/op_table_parts.hpp>

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include <fathom/core/random.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checkpoint.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/convolution_2d/rule.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <support/convolution.hpp>

namespace fathom::test {

Array distinct(const Shape& shape, std::uint64_t seed) {
  const std::int64_t count = shape.size();
  const Array order = permutation({seed, 0}, count);
  Array result = Array::empty(shape, DType::float64);
  double* values = result.mutable_data<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    values[i] = 0.04 * static_cast<double>(order.data<std::int64_t>()[i] - count / 2) + 0.02;
  }
  return result;
}

Array nonzero(const Shape& shape, std::uint64_t seed) {
  Array result = uniform({seed, 0}, shape, -1, 1, DType::float64);
  double* values = result.mutable_data<double>();
  for (std::int64_t i = 0; i < result.size(); ++i) values[i] += values[i] < 0 ? -0.5 : 0.5;
  return result;
}

namespace {

using In = Variables;
using Cases = std::vector<OpCase>;

void add_checkpoints(Cases& cases) {
  cases.push_back({"checkpoint",
                   [](const In& in) {
                     return ops::checkpoint([](const Variable& x) { return ops::tanh(x * x) * x; }, in[0]);
                   },
                   {distinct({2, 3}, 90)}});
  cases.push_back({"checkpoint of several in another",
                   [](const In& in) {
                     const auto inner = [&](const Variables& xs) {
                       return Variables{ops::tanh(ops::matmul(xs[0], xs[1]) * xs[2])};
                     };
                     return ops::checkpoint(
                         [&](const Variables& xs) {
                           return ops::checkpoint(inner, {xs[0], xs[1], ops::sigmoid(xs[2])});
                         },
                         in)[0];
                   },
                   {distinct({2, 3}, 91), distinct({3, 2}, 92), distinct({2, 2}, 93)}});
}

void add_reductions(Cases& cases) {
  const std::vector<std::pair<std::string, ops::ReductionOptions>> options{
      {"", {}},
      {" keepdims", {.keepdims = true}},
      {" axis 1", {.axis = Axes{1}}},
      {" axes -1, 0", {.axis = Axes{-1, 0}}},
      {" axes 0, 2 keepdims", {.axis = Axes{0, 2}, .keepdims = true}},
      {" no axis", {.axis = Axes{}}},
  };
  for (const auto& [text, option] : options) {
    cases.push_back({"sum" + text,
                     [option = option](const In& in) { return ops::sum(in[0], option); },
                     {distinct({2, 3, 4}, 6)}});
    cases.push_back({"mean" + text,
                     [option = option](const In& in) { return ops::mean(in[0], option); },
                     {distinct({2, 3, 4}, 7)}});
  }
}

void add_shapes(Cases& cases) {
  const auto shaped = [&](const std::string& name, const Shape& from,
                          std::function<Variable(const Variable&)> op) {
    cases.push_back({name, [op = std::move(op)](const In& in) { return op(in[0]); }, {distinct(from, 8)}});
  };
  shaped("reshape", {2, 6}, [](const Variable& x) { return ops::reshape(x, {3, -1}); });
  shaped("transpose", {2, 3, 4}, [](const Variable& x) { return ops::transpose(x); });
  shaped("transpose axes", {2, 3, 4}, [](const Variable& x) { return ops::transpose(x, Axes{-1, 0, 1}); });
  shaped("broadcast_to", {3, 1}, [](const Variable& x) { return ops::broadcast_to(x, {2, 3, 4}); });
  shaped("broadcast_to itself", {3, 4}, [](const Variable& x) { return ops::broadcast_to(x, {3, 4}); });
  shaped("sum_to", {2, 3, 4}, [](const Variable& x) { return ops::sum_to(x, {3, 1}); });
  shaped("sum_to itself", {3, 4}, [](const Variable& x) { return ops::sum_to(x, {3, 4}); });
}

void add_graphs(Cases& cases) {
  cases.push_back({"graph_diamond",
                   [](const In& in) {
                     const Variable& x = in[0];
                     const Variable a = ops::sigmoid(x * in[1]);
                     const Variable b = ops::tanh(x) + a;
                     return ops::sum(a * b + x) + ops::sum(b * b);
                   },
                   {nonzero({3, 4}, 9), nonzero({4}, 10)}});
  cases.push_back({"graph_reuse",
                   [](const In& in) {
                     Variable y = in[0];
                     for (int i = 0; i < 4; ++i) y = y * in[0] + y;
                     return y;
                   },
                   {uniform({11, 0}, {2, 3}, -1, 1, DType::float64)}});
}

void add_depthwise(Cases& cases) {
  const std::vector<ops::DepthwiseConvolution2DOptions> options{
      {}, {.stride = {1, 2}, .pad = {2, 1}}, {.stride = 2, .pad = 1, .dilation = {2, 1}}};
  for (std::size_t i = 0; i < options.size(); ++i) {
    cases.push_back({fmt::format("depthwise_convolution_2d {}", i),
                     [option = options[i]](const In& in) {
                       return ops::depthwise_convolution_2d(in[0], in[1], in.size() > 2 ? in[2] : Variable{},
                                                            option);
                     },
                     {distinct({2, 3, 5, 6}, 20), distinct({2, 3, 3, 2}, 21), distinct({6}, 22)}});
  }
  cases.back().inputs.pop_back();
}

void add_convolutions(Cases& cases) {
  for (const ConvolutionCase& c : convolution_cases()) {
    // Each element is checked by itself: small ones only. convolution_2d_test.cpp checks all of them
    // together.
    const std::int64_t elements = std::max(c.image_shape().size(), c.map_shape().size());
    if (c.image_channels > 6 || c.map_channels > 8 || elements > 1024) continue;
    std::ostringstream name;
    name << c;
    const ops::Convolution2DOptions forward{.stride = c.stride,
                                            .pad = c.pad,
                                            .dilation = c.dilation,
                                            .groups = c.groups,
                                            .cover_all = c.cover_all};
    cases.push_back(
        {"convolution_2d " + name.str(),
         [=](const In& in) { return ops::convolution_2d(in[0], in[1], in[2], forward); },
         {distinct(c.image_shape(), 60), distinct(c.weight_shape(), 61), distinct({c.map_channels}, 62)}});
    const ops::detail::ConvolutionGeometry geometry{
        c.groups, c.image_channels, c.map_channels, c.image, c.map(), c.kernel, c.stride, c.pad, c.dilation};
    cases.push_back({"convolution_2d_grad_w " + name.str(),
                     [=](const In& in) {
                       return ops::detail::trilinear(ops::detail::Part::W,
                                                     ops::detail::Convolution2D{geometry}, in[0], in[1]);
                     },
                     {distinct(c.image_shape(), 63), distinct(c.map_shape(), 64)}});
    if (c.cover_all) continue;
    const ops::Deconvolution2DOptions adjoint{
        .stride = c.stride, .pad = c.pad, .dilation = c.dilation, .groups = c.groups, .output_size = c.image};
    cases.push_back(
        {"deconvolution_2d " + name.str(),
         [=](const In& in) { return ops::deconvolution_2d(in[0], in[1], in[2], adjoint); },
         {distinct(c.map_shape(), 65), distinct(c.weight_shape(), 66), distinct({c.image_channels}, 67)}});
  }
}

void add_products(Cases& cases) {
  const auto linear = [&](const Shape& x, const Shape& W, std::int64_t n_batch_axes) {
    cases.push_back({"linear " + to_string(x) + " " + to_string(W),
                     [=](const In& in) { return ops::linear(in[0], in[1], in[2], {n_batch_axes}); },
                     {distinct(x, 70), distinct(W, 71), distinct({W[0]}, 72)}});
  };
  linear({3, 5}, {4, 5}, 1);
  linear({2, 3, 2}, {4, 6}, 1);
  linear({2, 3, 4}, {2, 4}, 2);
  const auto matmul = [&](const Shape& a, const Shape& b, const ops::MatmulOptions& options) {
    cases.push_back({"matmul " + to_string(a) + (options.transpose_a ? "^T " : " ") + to_string(b) +
                         (options.transpose_b ? "^T" : ""),
                     [=](const In& in) { return ops::matmul(in[0], in[1], options); },
                     {distinct(a, 73), distinct(b, 74)}});
  };
  matmul({3, 4}, {4, 2}, {});
  matmul({4, 3}, {2, 4}, {true, true});
  matmul({2, 1, 4, 3}, {3, 4, 2}, {true, false});
  matmul({3, 4}, {2, 2, 4}, {false, true});
  matmul({4}, {2, 4, 3}, {});
  matmul({2, 3, 4}, {4}, {});
  matmul({4}, {4}, {});
}

}  // namespace

std::vector<OpCase> op_table() {
  Cases cases;
  add_elementwise(cases);
  add_checkpoints(cases);
  add_reductions(cases);
  add_shapes(cases);
  add_arrays(cases);
  add_graphs(cases);
  add_depthwise(cases);
  add_normalization(cases);
  add_fused_normalization(cases);
  add_row_normalization(cases);
  add_images(cases);
  add_losses(cases);
  add_convolutions(cases);
  add_products(cases);
  return cases;
}

}  // namespace fathom::test

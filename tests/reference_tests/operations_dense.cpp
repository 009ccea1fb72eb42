// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>

#include "operations.hpp"

namespace fathom::reference {
namespace {

Outputs depthwise_convolution_2d(Params& params, Inputs& in) {
  ops::DepthwiseConvolution2DOptions options;
  params.read("stride", options.stride).read("pad", options.pad).read("dilate", options.dilation);
  return {ops::depthwise_convolution_2d(in["x"], in["W"], in.optional("b"), options)};
}

Outputs convolution_2d(Params& params, Inputs& in) {
  ops::Convolution2DOptions options;
  params.read("stride", options.stride).read("pad", options.pad).read("dilate", options.dilation);
  params.read("groups", options.groups).read("cover_all", options.cover_all);
  return {ops::convolution_2d(in["x"], in["W"], in.optional("b"), options)};
}

Outputs deconvolution_2d(Params& params, Inputs& in) {
  ops::Deconvolution2DOptions options;
  params.read("stride", options.stride).read("pad", options.pad).read("dilate", options.dilation);
  params.read("groups", options.groups).read("outsize", options.output_size);
  return {ops::deconvolution_2d(in["x"], in["W"], in.optional("b"), options)};
}

Outputs linear(Params& params, Inputs& in) {
  ops::LinearOptions options;
  params.read("n_batch_axes", options.n_batch_axes);
  return {ops::linear(in["x"], in["W"], in.optional("b"), options)};
}

Outputs matmul(Params& params, Inputs& in) {
  ops::MatmulOptions options;
  params.read("transa", options.transpose_a).read("transb", options.transpose_b);
  return {ops::matmul(in["a"], in["b"], options)};
}

}  // namespace

Operations dense_operations() {
  return {
      {"depthwise_convolution_2d", depthwise_convolution_2d},
      {"convolution_2d", convolution_2d},
      {"dilated_convolution_2d", convolution_2d},
      {"deconvolution_2d", deconvolution_2d},
      {"linear", linear},
      {"matmul", matmul},
  };
}

}  // namespace fathom::reference

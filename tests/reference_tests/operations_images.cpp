// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/average_pooling_nd.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/resize_images.hpp>
#include <fathom/ops/unpooling_2d.hpp>

#include "operations.hpp"

namespace fathom::reference {
namespace {

Outputs max_pooling_2d(Params& params, Inputs& in) {
  ops::MaxPooling2DOptions options;
  bool return_indices = false;
  params.read("ksize", options.kernel).read("stride", options.stride).read("pad", options.pad);
  params.read("cover_all", options.cover_all).read("return_indices", return_indices);
  Array indexes;
  Outputs outputs{ops::max_pooling_2d(in["x"], options, &indexes)};
  if (return_indices) outputs.push_back(indexes);
  return outputs;
}

Outputs average_pooling_2d(Params& params, Inputs& in) {
  ops::AveragePooling2DOptions options;
  params.read("ksize", options.kernel).read("stride", options.stride).read("pad", options.pad);
  return {ops::average_pooling_2d(in["x"], options)};
}

Outputs average_pooling_nd(Params& params, Inputs& in) {
  ops::AveragePoolingNDOptions options;
  std::optional<Axes> stride;
  std::optional<std::int64_t> pad_value = 0;
  params.read("ksize", options.kernel).read("stride", stride).read("pad", options.pad);
  params.read("pad_value", pad_value);
  if (stride) options.stride = *stride;
  if (pad_value.value_or(0) != 0) throw NotExpressible("a pad_value that is neither 0 nor null");
  options.count_include_pad = pad_value.has_value();
  return {ops::average_pooling_nd(in["x"], options)};
}

ops::Unpooling2DOptions unpooling(Params& params) {
  ops::Unpooling2DOptions options;
  params.read("ksize", options.kernel).read("stride", options.stride).read("pad", options.pad);
  params.read("outsize", options.output_size).read("cover_all", options.cover_all);
  return options;
}

Outputs unpooling_2d(Params& params, Inputs& in) { return {ops::unpooling_2d(in["x"], unpooling(params))}; }

Outputs upsampling_2d(Params& params, Inputs& in) {
  return {ops::upsampling_2d(in["x"], in.array("indexes"), unpooling(params))};
}

Outputs resize_images(Params& params, Inputs& in) {
  using ops::Interpolation;
  ops::ResizeImagesOptions options;
  params.read("mode", options.mode,
              {{"bilinear", Interpolation::bilinear}, {"nearest", Interpolation::nearest}});
  params.read("align_corners", options.align_corners);
  return {ops::resize_images(in["x"], params.get<Pair2>("output_shape"), options)};
}

}  // namespace

Operations image_operations() {
  return {
      {"max_pooling_2d", max_pooling_2d},         {"average_pooling_2d", average_pooling_2d},
      {"average_pooling_nd", average_pooling_nd}, {"unpooling_2d", unpooling_2d},
      {"upsampling_2d", upsampling_2d},           {"resize_images", resize_images},
  };
}

}  // namespace fathom::reference

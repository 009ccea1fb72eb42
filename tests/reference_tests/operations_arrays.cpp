// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <fathom/ops/cumsum.hpp>
#include <fathom/ops/depth2space.hpp>
#include <fathom/ops/embed_id.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/im2col.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/tensordot.hpp>
#include <fathom/ops/tiling.hpp>

#include "operations.hpp"

namespace fathom::reference {
namespace {

Outputs flatten(Params&, Inputs& in) { return {ops::flatten(in["x"])}; }

Outputs moveaxis(Params& params, Inputs& in) {
  return {ops::moveaxis(in["x"], params.get<Axes>("source"), params.get<Axes>("destination"))};
}

Outputs rollaxis(Params& params, Inputs& in) {
  std::int64_t start = 0;
  params.read("start", start);
  return {ops::rollaxis(in["x"], params.get<std::int64_t>("axis"), start)};
}

Outputs swapaxes(Params& params, Inputs& in) {
  return {ops::swapaxes(in["x"], params.get<std::int64_t>("axis1"), params.get<std::int64_t>("axis2"))};
}

Outputs flip(Params& params, Inputs& in) { return {ops::flip(in["x"], params.get<std::int64_t>("axis"))}; }

Outputs repeat(Params& params, Inputs& in) {
  std::optional<std::int64_t> axis;
  params.read("axis", axis);
  return {ops::repeat(in["x"], params.get<Axes>("repeats"), axis)};
}

Outputs tile(Params& params, Inputs& in) { return {ops::tile(in["x"], params.get<Axes>("reps"))}; }

Outputs cumsum(Params& params, Inputs& in) {
  ops::CumsumOptions options;
  params.read("axis", options.axis);
  return {ops::cumsum(in["x"], options)};
}

/// The ops of a list: x0, x1, ...
Operation stacking(Variable (*function)(const Variables&)) {
  return [function](Params&, Inputs& in) {
    Variables xs;
    while (xs.size() < in.size()) xs.push_back(in[fmt::format("x{}", xs.size())]);
    return Outputs{function(xs)};
  };
}

Outputs separate(Params& params, Inputs& in) {
  std::int64_t axis = 0;
  params.read("axis", axis);
  const Variables ys = ops::separate(in["x"], axis);
  return {ys.begin(), ys.end()};
}

Operation blocks(Variable (*function)(const Variable&, std::int64_t, const ops::DepthOptions&)) {
  return [function](Params& params, Inputs& in) {
    return Outputs{function(in["x"], params.get<std::int64_t>("r"), {})};
  };
}

Outputs im2col(Params& params, Inputs& in) {
  ops::Im2ColOptions options;
  params.read("ksize", options.kernel).read("stride", options.stride).read("pad", options.pad);
  params.read("cover_all", options.cover_all).read("dilate", options.dilation);
  return {ops::im2col(in["x"], options)};
}

Outputs select_item(Params&, Inputs& in) { return {ops::select_item(in["x"], in.array("t"))}; }

Outputs scatter_add(Params& params, Inputs& in) {
  return {ops::scatter_add(in["a"], params.get<Indices>("index"), in["b"])};
}

Outputs embed_id(Params& params, Inputs& in) {
  ops::EmbedIDOptions options;
  params.read("ignore_label", options.ignore_label);
  return {ops::embed_id(in.array("x"), in["W"], options)};
}

Outputs tensordot(Params& params, Inputs& in) {
  if (params.is_list("axes")) {
    const auto [a_axes, b_axes] = params.get<std::pair<Axes, Axes>>("axes");
    return {ops::tensordot(in["a"], in["b"], a_axes, b_axes)};
  }
  std::int64_t axes = 2;
  params.read("axes", axes);
  return {ops::tensordot(in["a"], in["b"], axes)};
}

ops::ReductionOptions reduction_options(Params& params) {
  ops::ReductionOptions options;
  params.read("axis", options.axis).read("keepdims", options.keepdims);
  return options;
}

Outputs prod(Params& params, Inputs& in) { return {ops::prod(in["x"], reduction_options(params))}; }

Outputs average(Params& params, Inputs& in) {
  return {ops::average(in["x"], in.optional("weights"), reduction_options(params))};
}

Outputs logsumexp(Params& params, Inputs& in) { return {ops::logsumexp(in["x"], reduction_options(params))}; }

}  // namespace

Operations array_operations() {
  return {
      {"flatten", flatten},
      {"moveaxis", moveaxis},
      {"rollaxis", rollaxis},
      {"swapaxes", swapaxes},
      {"flip", flip},
      {"repeat", repeat},
      {"tile", tile},
      {"cumsum", cumsum},
      {"hstack", stacking(ops::hstack)},
      {"vstack", stacking(ops::vstack)},
      {"separate", separate},
      {"depth2space", blocks(ops::depth2space)},
      {"space2depth", blocks(ops::space2depth)},
      {"im2col", im2col},
      {"select_item", select_item},
      {"scatter_add", scatter_add},
      {"embed_id", embed_id},
      {"tensordot", tensordot},
      {"prod", prod},
      {"average", average},
      {"logsumexp", logsumexp},
  };
}

}  // namespace fathom::reference

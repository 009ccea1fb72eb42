// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>

#include "operations.hpp"

namespace fathom::reference {
namespace {

Operation reduction(Variable (*function)(const Variable&, const ops::ReductionOptions&)) {
  return [function](Params& params, Inputs& in) {
    ops::ReductionOptions options;
    params.read("axis", options.axis).read("keepdims", options.keepdims);
    return Outputs{function(in["x"], options)};
  };
}

Outputs reshape(Params& params, Inputs& in) {
  return {ops::reshape(in["x"], std::span<const std::int64_t>(params.get<Axes>("shape")))};
}

Outputs transpose(Params& params, Inputs& in) {
  std::optional<Axes> axes;
  params.read("axes", axes);
  return {ops::transpose(in["x"], axes)};
}

Outputs broadcast_to(Params& params, Inputs& in) {
  return {ops::broadcast_to(in["x"], Shape(params.get<Axes>("shape")))};
}

Outputs sum_to(Params& params, Inputs& in) {
  return {ops::sum_to(in["x"], Shape(params.get<Axes>("shape")))};
}

}  // namespace

Operations shape_operations() {
  return {
      {"sum", reduction(ops::sum)}, {"mean", reduction(ops::mean)}, {"reshape", reshape},
      {"transpose", transpose},     {"broadcast_to", broadcast_to}, {"sum_to", sum_to},
  };
}

}  // namespace fathom::reference

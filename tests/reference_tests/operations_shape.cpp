// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <fathom/ops/argmax.hpp>
#include <fathom/ops/cast.hpp>
#include <fathom/ops/get_item.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/where.hpp>

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

/// Chainer's mean is its average.
Outputs mean(Params& params, Inputs& in) {
  ops::ReductionOptions options;
  params.read("axis", options.axis).read("keepdims", options.keepdims);
  const Variable weights = in.optional("weights");
  return {weights.defined() ? ops::average(in["x"], weights, options) : ops::mean(in["x"], options)};
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

Outputs expand_dims(Params& params, Inputs& in) {
  return {ops::expand_dims(in["x"], params.get<std::int64_t>("axis"))};
}

Outputs squeeze(Params& params, Inputs& in) {
  std::optional<Axes> axes;
  params.read("axis", axes);
  return {ops::squeeze(in["x"], axes)};
}

/// The ops of a list: x0, x1, ...
Operation joining(Variable (*function)(const Variables&, std::int64_t), std::int64_t default_axis) {
  return [function, default_axis](Params& params, Inputs& in) {
    Variables xs;
    while (xs.size() < in.size()) xs.push_back(in[fmt::format("x{}", xs.size())]);
    std::int64_t axis = default_axis;
    params.read("axis", axis);
    return Outputs{function(xs, axis)};
  };
}

Outputs split_axis(Params& params, Inputs& in) {
  const auto axis = params.get<std::int64_t>("axis");
  const Variables ys = params.is_integer("indices_or_sections")
                           ? ops::split_axis(in["x"], params.get<std::int64_t>("indices_or_sections"), axis)
                           : ops::split_axis(in["x"], params.get<Axes>("indices_or_sections"), axis);
  return {ys.begin(), ys.end()};
}

Outputs get_item(Params& params, Inputs& in) {
  return {ops::get_item(in["x"], params.get<Indices>("index"))};
}

/// A value for each side is a pad for each side; the later axes fill the corners.
Variable pad_sides(Variable x, const std::vector<ops::PadWidth>& widths, const SideValues& values) {
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = widths.at(widths.size() == 1 ? 0 : axis);
    const auto [first, last] = values.at(values.size() == 1 ? 0 : axis);
    std::vector<ops::PadWidth> sides(x.rank(), {0, 0});
    sides[axis] = {before, 0};
    x = ops::pad(x, sides, {.value = first});
    sides[axis] = {0, after};
    x = ops::pad(x, sides, {.value = last});
  }
  return x;
}

Outputs pad(Params& params, Inputs& in) {
  enum class Mode { constant } mode{};
  params.read("mode", mode, {{"constant", Mode::constant}});
  SideValues values{{0, 0}};
  params.read("constant_values", values);
  const auto widths = params.get<std::vector<ops::PadWidth>>("pad_width");
  const auto [first, last] = values.at(0);
  if (values.size() == 1 && first == last) return {ops::pad(in["x"], widths, {.value = first})};
  return {pad_sides(in["x"], widths, values)};
}

Outputs where(Params&, Inputs& in) { return {ops::where(in.array("condition"), in["a"], in["b"])}; }

Outputs cast(Params& params, Inputs& in) {
  return {ops::cast(in["x"], dtype_of_name(params.get<std::string>("typ")))};
}

Operation position(Array (*function)(const Variable&, std::optional<std::int64_t>)) {
  return [function](Params& params, Inputs& in) {
    std::optional<std::int64_t> axis;
    params.read("axis", axis);
    return Outputs{function(in["x"], axis)};
  };
}

}  // namespace

Operations shape_operations() {
  return {
      {"sum", reduction(ops::sum)},
      {"mean", mean},
      {"max", reduction(ops::max)},
      {"min", reduction(ops::min)},
      {"argmax", position(ops::argmax)},
      {"argmin", position(ops::argmin)},
      {"reshape", reshape},
      {"transpose", transpose},
      {"broadcast_to", broadcast_to},
      {"sum_to", sum_to},
      {"expand_dims", expand_dims},
      {"squeeze", squeeze},
      {"concat", joining(ops::concat, 1)},
      {"stack", joining(ops::stack, 0)},
      {"split_axis", split_axis},
      {"get_item", get_item},
      {"pad", pad},
      {"where", where},
      {"cast", cast},
  };
}

}  // namespace fathom::reference

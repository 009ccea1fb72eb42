// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/dropout.hpp>
#include <fathom/ops/normalization.hpp>
#include <fathom/ops/softmax.hpp>

#include "operations.hpp"

namespace fathom::reference {
namespace {

Outputs batch_normalization(Params& params, Inputs& in) {
  ops::BatchNormalizationOptions options;
  params.read("eps", options.eps).read("decay", options.decay).read("axis", options.axis);
  const Array mean = in.optional_array("running_mean");
  const Array variance = in.optional_array("running_var");
  // The running statistics change in place; the recorded ones serve several calls.
  ops::RunningStatistics running{mean.defined() ? mean.copy() : mean,
                                 variance.defined() ? variance.copy() : variance};
  Outputs outputs{ops::batch_normalization(in["x"], in["gamma"], in["beta"], &running, options)};
  if (mean.defined()) outputs.emplace_back(running.mean);
  if (variance.defined()) outputs.emplace_back(running.variance);
  return outputs;
}

Outputs fixed_batch_normalization(Params& params, Inputs& in) {
  ops::FixedBatchNormalizationOptions options;
  params.read("eps", options.eps).read("axis", options.axis);
  return {ops::fixed_batch_normalization(in["x"], in["gamma"], in["beta"], in["mean"], in["var"], options)};
}

Outputs layer_normalization(Params& params, Inputs& in) {
  ops::LayerNormalizationOptions options;
  params.read("eps", options.eps);
  return {ops::layer_normalization(in["x"], in["gamma"], in["beta"], options)};
}

Outputs group_normalization(Params& params, Inputs& in) {
  ops::GroupNormalizationOptions options;
  params.read("eps", options.eps);
  const auto groups = params.get<std::int64_t>("groups");
  return {ops::group_normalization(in["x"], groups, in["gamma"], in["beta"], options)};
}

Outputs local_response_normalization(Params& params, Inputs& in) {
  ops::LocalResponseNormalizationOptions options;
  params.read("n", options.n).read("k", options.k).read("alpha", options.alpha).read("beta", options.beta);
  return {ops::local_response_normalization(in["x"], options)};
}

Outputs normalize(Params& params, Inputs& in) {
  ops::NormalizeOptions options;
  params.read("eps", options.eps).read("axis", options.axis);
  return {ops::normalize(in["x"], options)};
}

template <Variable (*op)(const Variable&, std::int64_t)>
Outputs along_axis(Params& params, Inputs& in) {
  std::int64_t axis = 1;
  params.read("axis", axis);
  return {op(in["x"], axis)};
}

Outputs dropout(Params& params, Inputs& in) {
  double ratio = 0.5;
  params.read("ratio", ratio);  // the recorded mask holds it
  return {ops::dropout(in["x"], in.array("mask"))};
}

}  // namespace

Operations training_operations() {
  return {
      {"batch_normalization", batch_normalization},
      {"dropout", dropout},
      {"fixed_batch_normalization", fixed_batch_normalization},
      {"group_normalization", group_normalization},
      {"layer_normalization", layer_normalization},
      {"local_response_normalization", local_response_normalization},
      {"log_softmax", along_axis<ops::log_softmax>},
      {"normalize", normalize},
      {"softmax", along_axis<ops::softmax>},
  };
}

}  // namespace fathom::reference

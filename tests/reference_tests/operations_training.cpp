// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/dropout.hpp>
#include <fathom/ops/mean_squared_error.hpp>
#include <fathom/ops/sigmoid_cross_entropy.hpp>
#include <fathom/ops/softmax.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

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

Outputs softmax_cross_entropy(Params& params, Inputs& in) {
  ops::SoftmaxCrossEntropyOptions options;
  params.read("normalize", options.normalize).read("ignore_label", options.ignore_label);
  enum class SoftTargetLoss { cross_entropy } loss{};
  params.read("soft_target_loss", loss, {{"cross-entropy", SoftTargetLoss::cross_entropy}});
  params.read("reduce", options.reduce, {{"mean", ops::Reduce::mean}, {"no", ops::Reduce::no}});
  return {ops::softmax_cross_entropy(in["x"], in.array("t"), options, in.optional_array("class_weight"))};
}

Outputs mean_squared_error(Params&, Inputs& in) { return {ops::mean_squared_error(in["x0"], in["x1"])}; }

Outputs sigmoid_cross_entropy(Params& params, Inputs& in) {
  ops::SigmoidCrossEntropyOptions options;
  params.read("normalize", options.normalize);
  params.read("reduce", options.reduce, {{"mean", ops::Reduce::mean}, {"no", ops::Reduce::no}});
  return {ops::sigmoid_cross_entropy(in["x"], in.array("t"), options)};
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
      {"log_softmax", along_axis<ops::log_softmax>},
      {"mean_squared_error", mean_squared_error},
      {"sigmoid_cross_entropy", sigmoid_cross_entropy},
      {"softmax", along_axis<ops::softmax>},
      {"softmax_cross_entropy", softmax_cross_entropy},
  };
}

}  // namespace fathom::reference

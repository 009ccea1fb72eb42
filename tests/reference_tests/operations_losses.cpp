// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/hinge.hpp>
#include <fathom/ops/regression_loss.hpp>
#include <fathom/ops/sigmoid_cross_entropy.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "operations.hpp"

namespace fathom::reference {
namespace {

using ops::Reduce;

/// What a caller of Chainer says about how to compute, not what.
void ignore(Params& params, const std::string& name) {
  bool value = false;
  params.read(name, value);
}

Outputs softmax_cross_entropy(Params& params, Inputs& in) {
  ops::SoftmaxCrossEntropyOptions options;
  params.read("normalize", options.normalize).read("ignore_label", options.ignore_label);
  params.read("soft_target_loss", options.soft_target_loss,
              {{"cross-entropy", ops::SoftTargetLoss::cross_entropy},
               {"kl-divergence", ops::SoftTargetLoss::kl_divergence}});
  params.read("reduce", options.reduce, {{"mean", Reduce::mean}, {"no", Reduce::no}});
  ignore(params, "cache_score");
  ignore(params, "enable_double_backprop");
  return {ops::softmax_cross_entropy(in["x"], in.array("t"), options, in.optional_array("class_weight"))};
}

Outputs sigmoid_cross_entropy(Params& params, Inputs& in) {
  ops::SigmoidCrossEntropyOptions options;
  params.read("normalize", options.normalize);
  params.read("reduce", options.reduce, {{"mean", Reduce::mean}, {"no", Reduce::no}});
  return {ops::sigmoid_cross_entropy(in["x"], in.array("t"), options)};
}

Outputs huber_loss(Params& params, Inputs& in) {
  ops::HuberLossOptions options;
  params.read("delta", options.delta);
  params.read("reduce", options.reduce, {{"sum_along_second_axis", std::nullopt}, {"no", Reduce::no}});
  return {ops::huber_loss(in["x0"], in["x1"], options)};
}

Outputs hinge(Params& params, Inputs& in) {
  ops::HingeOptions options;
  params.read("norm", options.norm, {{"L1", ops::HingeNorm::L1}, {"L2", ops::HingeNorm::L2}});
  params.read("reduce", options.reduce, {{"mean", Reduce::mean}, {"no", Reduce::no}});
  return {ops::hinge(in["x"], in.array("t"), options)};
}

Outputs gaussian_nll(Params& params, Inputs& in) {
  Reduce reduce = Reduce::sum;
  params.read("reduce", reduce, {{"sum", Reduce::sum}, {"mean", Reduce::mean}, {"no", Reduce::no}});
  return {ops::gaussian_nll(in["x"], in["mean"], in["ln_var"], reduce)};
}

template <Variable (*op)(const Variable&, const Variable&)>
Outputs pair(Params&, Inputs& in) {
  return {op(in["x0"], in["x1"])};
}

}  // namespace

Operations loss_operations() {
  return {
      {"absolute_error", pair<ops::absolute_error>},
      {"gaussian_nll", gaussian_nll},
      {"hinge", hinge},
      {"huber_loss", huber_loss},
      {"mean_absolute_error", pair<ops::mean_absolute_error>},
      {"mean_squared_error", pair<ops::mean_squared_error>},
      {"sigmoid_cross_entropy", sigmoid_cross_entropy},
      {"softmax_cross_entropy", softmax_cross_entropy},
      {"squared_error", pair<ops::squared_error>},
  };
}

}  // namespace fathom::reference

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/adam.hpp>

#include <cmath>

#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/update/run.hpp>

namespace fathom::nn {

namespace {

/// What Adam and AdamW have in common.
template <class Options>
void check(std::string_view op, const Options& options) {
  detail::require_below_one(op, "beta1", options.beta1, "0.9 is usual");
  detail::require_below_one(op, "beta2", options.beta2, "0.999 is usual");
  detail::require_positive(op, "eps", options.eps, "1e-8 is usual; it keeps the step finite where v is 0");
  detail::require_weight_decay(op, options.weight_decay);
}

std::vector<std::string> states(bool amsgrad) {
  return amsgrad ? std::vector<std::string>{"m", "v", "vhat"} : std::vector<std::string>{"m", "v"};
}

void run(const update::AdamRule& rule, bool amsgrad, const UpdateRange& range) {
  if (amsgrad) {
    update::run(update::AMSGradRule{rule}, range);
  } else {
    update::run(rule, range);
  }
}

/// The rule at step t without decay of either kind.
template <class Options>
update::AdamRule rule(const Options& options, const UpdateRange& range) {
  const auto t = static_cast<double>(range.t);
  const double correction = std::sqrt(1 - std::pow(options.beta2, t));
  return {.rate = range.rate * correction / (1 - std::pow(options.beta1, t)),
          .new1 = 1 - options.beta1,
          .new2 = 1 - options.beta2,
          .eps = options.eps_form == AdamEps::raw ? options.eps : options.eps * correction,
          .decay = 0,
          .shrink = 0};
}

}  // namespace

Adam::Adam(ParameterGroups groups, const AdamOptions& options)
    : Optimizer("Adam", std::move(groups), options.rate, states(options.amsgrad)), options_(options) {
  check("Adam", options);
}

void Adam::update(const UpdateRange& range) const {
  update::AdamRule step = rule(options_, range);
  step.decay = options_.weight_decay * range.decay_scale;
  run(step, options_.amsgrad, range);
}

AdamW::AdamW(ParameterGroups groups, const AdamWOptions& options)
    : Optimizer("AdamW", std::move(groups), options.rate, states(options.amsgrad)), options_(options) {
  check("AdamW", options);
  set_eta(options.eta);
}

void AdamW::set_eta(double eta) {
  detail::require_not_negative("AdamW", "eta", eta, "it multiplies the whole step; 1 is usual");
  options_.eta = eta;
}

std::vector<std::pair<std::string, double>> AdamW::numbers() const {
  auto numbers = Optimizer::numbers();
  numbers.emplace_back("eta", options_.eta);
  return numbers;
}

void AdamW::set_number(std::string_view name, double value) {
  if (name == "eta") {
    set_eta(value);
  } else {
    Optimizer::set_number(name, value);
  }
}

void AdamW::update(const UpdateRange& range) const {
  update::AdamRule step = rule(options_, range);
  const double scale = options_.decay_scale == DecayScale::rate ? options_.eta * range.rate : options_.eta;
  step.rate *= options_.eta;
  step.shrink = scale * options_.weight_decay * range.decay_scale;
  run(step, options_.amsgrad, range);
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/nesterov.hpp>

#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/update/run.hpp>

namespace fathom::nn {

Nesterov::Nesterov(ParameterGroups groups, const NesterovOptions& options)
    : Optimizer("Nesterov", std::move(groups), options.rate, {"v"}), options_(options) {
  detail::require_below_one("Nesterov", "momentum", options.momentum, "0.9 is usual");
  detail::require_weight_decay("Nesterov", options.weight_decay);
}

std::string Nesterov::kind() const {
  return options_.form == NesterovForm::pytorch ? "Nesterov, rate outside" : Optimizer::kind();
}

void Nesterov::update(const UpdateRange& range) const {
  const double momentum = options_.momentum;
  update::MomentumRule rule{.momentum = momentum,
                            .inner_rate = range.rate,
                            .decay = options_.weight_decay * range.decay_scale,
                            .velocity_weight = momentum,
                            .gradient_weight = range.rate};
  switch (options_.form) {
    case NesterovForm::chainer:
      rule.velocity_weight = momentum * momentum;
      rule.gradient_weight = (1 + momentum) * range.rate;
      break;
    case NesterovForm::sutskever:
      break;
    case NesterovForm::pytorch:
      rule.inner_rate = 1;
      rule.velocity_weight = range.rate * momentum;
      break;
  }
  update::run(rule, range);
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/sgd.hpp>

#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/update/run.hpp>

namespace fathom::nn {

SGD::SGD(ParameterGroups groups, const SGDOptions& options)
    : Optimizer("SGD", std::move(groups), options.rate,
                options.momentum > 0 ? std::vector<std::string>{"v"} : std::vector<std::string>{}),
      options_(options) {
  detail::require_below_one("SGD", "momentum", options.momentum, "0.9 is usual, 0 turns it off");
  detail::require_weight_decay("SGD", options.weight_decay);
}

std::string SGD::kind() const {
  const bool is_outside = options_.momentum > 0 && options_.form == MomentumForm::rate_outside;
  return is_outside ? "SGD, rate outside" : Optimizer::kind();
}

void SGD::update(const UpdateRange& range) const {
  const double decay = options_.weight_decay * range.decay_scale;
  if (options_.momentum == 0) {
    update::run(update::SGDRule{.rate = range.rate, .decay = decay}, range);
    return;
  }
  const bool inside = options_.form == MomentumForm::rate_inside;
  update::run(update::MomentumRule{.momentum = options_.momentum,
                                   .inner_rate = inside ? range.rate : 1,
                                   .decay = decay,
                                   .velocity_weight = inside ? 1 : range.rate,
                                   .gradient_weight = 0},
              range);
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/sgd.hpp>

#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/update/run.hpp>

namespace fathom::nn {

SGD::SGD(ParameterGroups groups, const SGDOptions& options)
    : Optimizer("SGD", std::move(groups), options.rate,
                options.momentum > 0 ? std::vector<std::string>{"v"} : std::vector<std::string>{}),
      momentum_(options.momentum),
      weight_decay_(options.weight_decay) {
  detail::require_below_one("SGD", "momentum", options.momentum, "0.9 is usual, 0 turns it off");
  detail::require_weight_decay("SGD", options.weight_decay);
}

void SGD::update(const UpdateRange& range) const {
  const double decay = weight_decay_ * range.decay_scale;
  if (momentum_ > 0) {
    update::run(update::MomentumRule{.rate = range.rate, .momentum = momentum_, .decay = decay}, range);
  } else {
    update::run(update::SGDRule{.rate = range.rate, .decay = decay}, range);
  }
}

}  // namespace fathom::nn

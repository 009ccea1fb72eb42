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

void Nesterov::update(const UpdateRange& range) const {
  const double momentum = options_.momentum;
  const bool chainer = options_.form == NesterovForm::chainer;
  update::run(update::NesterovRule{.rate = range.rate,
                                   .momentum = momentum,
                                   .decay = options_.weight_decay * range.decay_scale,
                                   .velocity_weight = chainer ? momentum * momentum : momentum,
                                   .gradient_weight = chainer ? (1 + momentum) * range.rate : range.rate},
              range);
}

}  // namespace fathom::nn

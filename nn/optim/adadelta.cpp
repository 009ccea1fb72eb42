// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/adadelta.hpp>

#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/update/run.hpp>

namespace fathom::nn {

AdaDelta::AdaDelta(ParameterGroups groups, const AdaDeltaOptions& options)
    : Optimizer("AdaDelta", std::move(groups), options.rate, {"msg", "msdx"}), options_(options) {
  detail::require_below_one("AdaDelta", "rho", options.rho, "0.95 is usual");
  detail::require_positive("AdaDelta", "eps", options.eps, "1e-6 is usual; with 0 nothing would ever move");
  detail::require_weight_decay("AdaDelta", options.weight_decay);
}

void AdaDelta::update(const UpdateRange& range) const {
  update::run(update::AdaDeltaRule{.rate = range.rate,
                                   .rho = options_.rho,
                                   .new_share = 1 - options_.rho,
                                   .decay = options_.weight_decay * range.decay_scale,
                                   .eps = options_.eps},
              range);
}

}  // namespace fathom::nn

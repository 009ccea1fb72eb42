// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/rmsprop.hpp>

#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/update/run.hpp>

namespace fathom::nn {

RMSprop::RMSprop(ParameterGroups groups, const RMSpropOptions& options)
    : Optimizer("RMSprop", std::move(groups), options.rate, {"ms"}), options_(options) {
  detail::require_below_one("RMSprop", "alpha", options.alpha, "0.99 is usual");
  detail::require_positive("RMSprop", "eps", options.eps,
                           "1e-8 is usual; it keeps the step finite where ms is 0");
  detail::require_weight_decay("RMSprop", options.weight_decay);
}

void RMSprop::update(const UpdateRange& range) const {
  update::run(update::RMSpropRule{.rate = range.rate,
                                  .alpha = options_.alpha,
                                  .new_share = 1 - options_.alpha,
                                  .decay = options_.weight_decay * range.decay_scale,
                                  .eps_inside = options_.eps_inside_sqrt ? options_.eps : 0,
                                  .eps_outside = options_.eps_inside_sqrt ? 0 : options_.eps},
              range);
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/adagrad.hpp>

#include <fathom/nn/optim/checks/options.hpp>
#include <fathom/nn/optim/update/run.hpp>

namespace fathom::nn {

AdaGrad::AdaGrad(ParameterGroups groups, const AdaGradOptions& options)
    : Optimizer("AdaGrad", std::move(groups), options.rate, {"h"}), options_(options) {
  detail::require_positive("AdaGrad", "eps", options.eps,
                           "1e-8 is usual; it keeps the step finite where h is 0");
  detail::require_weight_decay("AdaGrad", options.weight_decay);
}

void AdaGrad::update(const UpdateRange& range) const {
  update::run(
      update::AdaGradRule{
          .rate = range.rate, .decay = options_.weight_decay * range.decay_scale, .eps = options_.eps},
      range);
}

}  // namespace fathom::nn

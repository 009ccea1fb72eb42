// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include <fathom/nn/optim/optimizer.hpp>

namespace fathom::nn {

struct AdaGradOptions {
  double rate = 0.001;
  double eps = 1e-8;
  double weight_decay = 0;
};

/// Divides by the size of all gradients so far, so that steps shrink for good:
///
///     g' = g + weight_decay * p
///     h  = h + g'^2
///     p  = p - rate * g' / (sqrt(h) + eps)
///
/// State: "h". Source: J. Duchi, E. Hazan and Y. Singer, Adaptive Subgradient Methods for Online Learning and
/// Stochastic Optimization, 2011.
class FATHOM_EXPORT AdaGrad final : public Optimizer {
 public:
  /// Throws ValueError for a negative rate or decay, an eps that is not positive, or a parameter that is
  /// listed twice.
  explicit AdaGrad(ParameterGroups groups, const AdaGradOptions& options = {});
  explicit AdaGrad(Variables parameters, const AdaGradOptions& options = {})
      : AdaGrad(ParameterGroups{{std::move(parameters)}}, options) {}

 private:
  void update(const UpdateRange& range) const override;

  AdaGradOptions options_;
};

}  // namespace fathom::nn

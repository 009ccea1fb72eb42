// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include <fathom/nn/optim/optimizer.hpp>

namespace fathom::nn {

struct AdaDeltaOptions {
  double rate = 1;    ///< a factor of the step, which has a size of its own; Chainer has none
  double rho = 0.95;  ///< share of the old mean squares
  double eps = 1e-6;  ///< also what the first step takes its size from
  double weight_decay = 0;
};

/// Steps in the units of the parameter: the gradient divided by a running mean of its size and multiplied by
/// one of the steps'.
///
///     g'   = g + weight_decay * p
///     msg  = rho * msg + (1 - rho) * g'^2
///     dx   = sqrt((msdx + eps) / (msg + eps)) * g'
///     msdx = rho * msdx + (1 - rho) * dx^2
///     p    = p - rate * dx
///
/// State: "msg", "msdx". Source: M. Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012.
class FATHOM_EXPORT AdaDelta final : public Optimizer {
 public:
  /// Throws ValueError for a negative rate or decay, a rho outside [0, 1), an eps that is not positive, or a
  /// parameter that is listed twice.
  explicit AdaDelta(ParameterGroups groups, const AdaDeltaOptions& options = {});
  explicit AdaDelta(Variables parameters, const AdaDeltaOptions& options = {})
      : AdaDelta(ParameterGroups{{std::move(parameters)}}, options) {}

 private:
  void update(const UpdateRange& range) const override;

  AdaDeltaOptions options_;
};

}  // namespace fathom::nn

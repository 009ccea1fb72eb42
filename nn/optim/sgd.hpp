// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include <fathom/nn/optim/optimizer.hpp>

namespace fathom::nn {

struct SGDOptions {
  double rate = 0.01;  ///< learning rate; `set_lr` changes it between steps
  double momentum = 0;
  double weight_decay = 0;
};

/// Stochastic gradient descent with momentum and weight decay. A step changes each parameter p that has a
/// gradient g:
///
///     g' = g + weight_decay * p
///     v  = momentum * v - rate * g'
///     p  = p + v
///
/// State: "v", the velocity, with momentum only. With the rate inside v a change of the rate reaches old
/// gradients slowly (Chainer's MomentumSGD with WeightDecay; PyTorch multiplies by the rate last).
class FATHOM_EXPORT SGD final : public Optimizer {
 public:
  /// Throws ValueError for a negative number, a momentum of 1 or more, or a parameter that is listed twice.
  explicit SGD(ParameterGroups groups, const SGDOptions& options = {});
  explicit SGD(Variables parameters, const SGDOptions& options = {})
      : SGD(ParameterGroups{{std::move(parameters)}}, options) {}

 private:
  void update(const UpdateRange& range) const override;

  double momentum_;
  double weight_decay_;
};

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <fathom/nn/optim/optimizer.hpp>

namespace fathom::nn {

/// Where the rate stands in momentum. The same steps as long as the rate stays the same.
enum class MomentumForm : std::uint8_t {
  rate_inside,  ///< v = momentum * v - rate * g', p += v: Chainer's MomentumSGD
  rate_outside  ///< v = momentum * v - g', p += rate * v: Chainer's CorrectedMomentumSGD, PyTorch's SGD
};

struct SGDOptions {
  double rate = 0.01;  ///< learning rate; `set_lr` changes it between steps
  double momentum = 0;
  double weight_decay = 0;
  MomentumForm form = MomentumForm::rate_inside;
};

/// Stochastic gradient descent with momentum and weight decay. A step changes each parameter p that has a
/// gradient g:
///
///     g' = g + weight_decay * p
///     v  = momentum * v - rate * g'
///     p  = p + v
///
/// or, in the form rate_outside, v = momentum * v - g' and p = p + rate * v. State: "v", the velocity, with
/// momentum only. With the rate inside v a change of the rate reaches old gradients slowly, with the rate
/// outside at once. Source: B. Polyak, Some methods of speeding up the convergence of iteration methods,
/// 1964.
class FATHOM_EXPORT SGD final : public Optimizer {
 public:
  /// Throws ValueError for a negative number, a momentum of 1 or more, or a parameter that is listed twice.
  explicit SGD(ParameterGroups groups, const SGDOptions& options = {});
  explicit SGD(Variables parameters, const SGDOptions& options = {})
      : SGD(ParameterGroups{{std::move(parameters)}}, options) {}

  /// "SGD", or "SGD, rate outside", whose velocity is without the rate.
  [[nodiscard]] std::string kind() const override;

 private:
  void update(const UpdateRange& range) const override;

  SGDOptions options_;
};

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include <fathom/nn/optim/optimizer.hpp>

namespace fathom::nn {

struct RMSpropOptions {
  double rate = 0.01;
  double alpha = 0.99;  ///< share of the old mean square
  double eps = 1e-8;
  double weight_decay = 0;
  bool eps_inside_sqrt = false;
};

/// Divides by a running mean of the gradient's size:
///
///     g' = g + weight_decay * p
///     ms = alpha * ms + (1 - alpha) * g'^2
///     p  = p - rate * g' / (sqrt(ms) + eps)     (or sqrt(ms + eps): eps_inside_sqrt)
///
/// State: "ms". Chainer's and PyTorch's plain form.
/// Source: T. Tieleman and G. Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012.
class FATHOM_EXPORT RMSprop final : public Optimizer {
 public:
  /// Throws ValueError for a negative rate or decay, an alpha outside [0, 1), an eps that is not positive, or
  /// a parameter that is listed twice.
  explicit RMSprop(ParameterGroups groups, const RMSpropOptions& options = {});
  explicit RMSprop(Variables parameters, const RMSpropOptions& options = {})
      : RMSprop(ParameterGroups{{std::move(parameters)}}, options) {}

 private:
  void update(const UpdateRange& range) const override;

  RMSpropOptions options_;
};

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <fathom/nn/optim/optimizer.hpp>

namespace fathom::nn {

/// How the new velocity v and the gradient g make a step.
enum class NesterovForm : std::uint8_t {
  chainer,    ///< p += momentum^2 * v - (1 + momentum) * rate * g
  sutskever,  ///< p += momentum * v - rate * g
  pytorch     ///< v = momentum * v - g, p += rate * (momentum * v - g): sutskever's while the rate stays the
              ///< same
};

struct NesterovOptions {
  double rate = 0.01;
  double momentum = 0.9;
  double weight_decay = 0;
  NesterovForm form = NesterovForm::chainer;
};

/// Nesterov's accelerated gradient:
///
///     g' = g + weight_decay * p
///     v  = momentum * v - rate * g'
///     p  = p + momentum^2 * v - (1 + momentum) * rate * g'     (form chainer)
///     p  = p + momentum * v - rate * g'                        (form sutskever)
///
/// and, with the rate outside the velocity, in the form pytorch
///
///     v  = momentum * v - g'
///     p  = p + rate * (momentum * v - g')
///
/// State: "v". The first two would be the same step if Chainer's NesterovAG took the old v, as the paper it
/// follows does (Y. Bengio, N. Boulanger-Lewandowski, R. Pascanu, Advances in Optimizing Recurrent Networks,
/// 2012); it takes the new one. The second form: I. Sutskever et al., On the importance of initialization and
/// momentum in deep learning, 2013.
class FATHOM_EXPORT Nesterov final : public Optimizer {
 public:
  /// Throws ValueError for a negative number, a momentum of 1 or more, or a parameter that is listed twice.
  explicit Nesterov(ParameterGroups groups, const NesterovOptions& options = {});
  explicit Nesterov(Variables parameters, const NesterovOptions& options = {})
      : Nesterov(ParameterGroups{{std::move(parameters)}}, options) {}

  /// "Nesterov", or "Nesterov, rate outside" in the form pytorch, whose velocity is without the rate.
  [[nodiscard]] std::string kind() const override;

 private:
  void update(const UpdateRange& range) const override;

  NesterovOptions options_;
};

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fathom/nn/optim/optimizer.hpp>

namespace fathom::nn {

/// What eps is added to. With c = sqrt(1 - beta2^t):
enum class AdamEps : std::uint8_t {
  raw,       ///< sqrt(v) + eps, Chainer's; the second form in section 2 of the paper
  corrected  ///< sqrt(v) / c + eps, PyTorch's and the paper's Algorithm 1: greater in the first steps
};

struct AdamOptions {
  double rate = 0.001;  ///< Chainer's alpha
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  ///< added to the gradient; AdamW decouples it
  AdamEps eps_form = AdamEps::raw;
  bool amsgrad = false;  ///< AMSGrad: divide by the largest v so far
};

/// Steps of a size that the gradients' own spread sets. At a parameter's step t = 1, 2, ...
///
///     g' = g + weight_decay * p
///     m  = m + (1 - beta1) * (g' - m)
///     v  = v + (1 - beta2) * (g'^2 - v)
///     a  = rate * sqrt(1 - beta2^t) / (1 - beta1^t)
///     p  = p - a * m / (sqrt(v) + eps)                         (eps_form raw)
///     p  = p - a * m / (sqrt(v) + eps * sqrt(1 - beta2^t))     (eps_form corrected)
///
/// With `amsgrad`, vhat = max(vhat, v) takes the place of v in the last line, so that no step grows because
/// an old gradient is forgotten. State: "m", "v", with amsgrad "vhat". t counts the steps of each parameter
/// by itself, as in PyTorch: one that joins late starts with the full correction. Sources: D. Kingma and J.
/// Ba, Adam: A Method for Stochastic Optimization, 2015; S. Reddi, S. Kale and S. Kumar, On the Convergence
/// of Adam and Beyond, 2018, whose AMSGrad has no correction: Chainer's and PyTorch's do.
class FATHOM_EXPORT Adam final : public Optimizer {
 public:
  /// Throws ValueError for a negative rate or decay, a beta outside [0, 1), an eps that is not positive, or a
  /// parameter that is listed twice.
  explicit Adam(ParameterGroups groups, const AdamOptions& options = {});
  explicit Adam(Variables parameters, const AdamOptions& options = {})
      : Adam(ParameterGroups{{std::move(parameters)}}, options) {}

 private:
  void update(const UpdateRange& range) const override;

  AdamOptions options_;
};

/// What decoupled weight decay is multiplied by.
enum class DecayScale : std::uint8_t {
  eta,  ///< AdamW's eta, Chainer's form and the paper's: the decay does not follow the rate
  rate  ///< the rate, PyTorch's form: it does
};

struct AdamWOptions {
  double rate = 0.001;  ///< Chainer's alpha
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double eta = 1;              ///< multiplies the whole step; `set_eta` changes it between steps
  double weight_decay = 0.01;  ///< in the form eta not multiplied by the rate: 1 % of p at each step
  DecayScale decay_scale = DecayScale::eta;
  AdamEps eps_form = AdamEps::raw;
  bool amsgrad = false;  ///< as in AdamOptions
};

/// Adam with decoupled weight decay: the decay is no part of the gradient, so that v does not divide it. With
/// m, v, a of Adam without decay:
///
///     p = p - eta * (a * m / (sqrt(v) + eps) + weight_decay * p)            (decay_scale eta)
///     p = p - eta * (a * m / (sqrt(v) + eps) + rate * weight_decay * p)     (decay_scale rate)
///
/// State as Adam's. PyTorch's AdamW is {.decay_scale = DecayScale::rate, .eps_form = AdamEps::corrected}; a
/// number for weight_decay from there means a decay 1 / rate times as strong in the first form.
/// Source: I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization, 2019.
class FATHOM_EXPORT AdamW final : public Optimizer {
 public:
  /// Throws ValueError as Adam does, and for a negative eta.
  explicit AdamW(ParameterGroups groups, const AdamWOptions& options = {});
  explicit AdamW(Variables parameters, const AdamWOptions& options = {})
      : AdamW(ParameterGroups{{std::move(parameters)}}, options) {}

  [[nodiscard]] double eta() const { return options_.eta; }
  /// For schedules of rate and decay together. Throws ValueError for a negative one.
  void set_eta(double eta);
  [[nodiscard]] std::vector<std::pair<std::string, double>> numbers() const override;
  void set_number(std::string_view name, double value) override;

 private:
  void update(const UpdateRange& range) const override;

  AdamWOptions options_;
};

}  // namespace fathom::nn

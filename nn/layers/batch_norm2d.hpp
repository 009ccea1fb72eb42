// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/activation.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

struct BatchNorm2DOptions {
  double eps = 2e-5;                         ///< added to the variance
  double decay = 0.9;                        ///< running = decay * running + (1 - decay) * batch
  Activation activation = Activation::none;  ///< of the result, in the same pass
};

/// Batch normalization over all axes but the channels, x (n, channels, h, w). While training it uses the
/// batch's own statistics (ops::batch_normalization) and moves the running ones; in evaluation it uses the
/// running ones (ops::fixed_batch_normalization) and changes nothing. Left out, channels is that of the first
/// x. What follows costs no pass of its own: `bn(x)` applies `activation`, `bn(x, shortcut)` adds the
/// shortcut before it.
class FATHOM_EXPORT BatchNorm2D : public Module {
 public:
  Parameter gamma;  ///< (channels), first 1
  Parameter beta;   ///< (channels), first 0
  Buffer avg_mean;  ///< (channels), first 0
  Buffer avg_var;   ///< (channels), first 1; the unbiased variance
  FATHOM_MODULE(gamma, beta, avg_mean, avg_var)

  /// Throws ValueError for numbers out of range.
  explicit BatchNorm2D(std::int64_t channels, const BatchNorm2DOptions& options = {});
  explicit BatchNorm2D(const BatchNorm2DOptions& options = {});
  [[nodiscard]] const BatchNorm2DOptions& options() const { return options_; }

  using Module::operator();
  /// y = activation(normalized x + residual), the residual being of x's shape.
  Variable operator()(const Variable& x, const Variable& residual);

 protected:
  Variable forward(const Variable& x) override;

 private:
  void initialize(std::int64_t channels);
  Variable run(const Variable& x, const Variable& residual);

  BatchNorm2DOptions options_;
};

}  // namespace fathom::nn

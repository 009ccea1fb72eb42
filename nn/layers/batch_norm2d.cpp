// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/batch_norm2d.hpp>

#include <fmt/format.h>

#include <optional>

#include <fathom/core/check.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/ops/batch_normalization.hpp>

namespace fathom::nn {

BatchNorm2D::BatchNorm2D(const BatchNorm2DOptions& options) : options_(options) {
  ArgumentCheck check{"BatchNorm2D"};
  FATHOM_CHECK(check.hint("eps keeps the variance away from 0; 2e-5 is usual"), options.eps >= 0, ValueError,
               "eps must not be negative (eps is {})", options.eps);
  FATHOM_CHECK(check.hint("decay is the share of the old average that is kept; 0.9 is usual"),
               options.decay >= 0 && options.decay <= 1, ValueError,
               "decay must be between 0 and 1 (decay is {})", options.decay);
  const ArraySpec channels{.sizes = {{-1}}, .dtype = DType::float32};
  gamma = beta = Parameter::deferred(channels);
  avg_mean = avg_var = Buffer::deferred(channels);
}

BatchNorm2D::BatchNorm2D(std::int64_t channels, const BatchNorm2DOptions& options) : BatchNorm2D(options) {
  ArgumentCheck{"BatchNorm2D"}.at_least("channels", channels, 1, "it is the size of axis 1 of x");
  initialize(channels);
}

void BatchNorm2D::initialize(std::int64_t channels) {
  nn::initialize(gamma, init::constant(1), {}, {channels}, {});
  nn::initialize(beta, init::constant(0), {}, {channels}, {});
  nn::initialize(avg_mean, 0, {channels});
  nn::initialize(avg_var, 1, {channels});
}

Variable BatchNorm2D::forward(const Variable& x) { return run(x, {}); }

Variable BatchNorm2D::operator()(const Variable& x, const Variable& residual) {
  ArgumentCheck{"BatchNorm2D"}.argument("residual", residual.defined() ? residual.data() : Array{}).defined();
  const ModuleScope scope{*this};
  return run(x, residual);
}

Variable BatchNorm2D::run(const Variable& x, const Variable& residual) {
  std::optional<InitializationGuard> first;
  if (gamma.is_waiting() || beta.is_waiting() || avg_mean.is_waiting() || avg_var.is_waiting()) {
    first.emplace(*this);
    initialize(gamma.defined() ? gamma.size() : size_or_one(x, 1));  // a file may have had some of them
  }
  if (!is_training()) {
    return ops::fixed_batch_normalization(
        x, gamma, beta, Variable{avg_mean.data()}, Variable{avg_var.data()},
        {.eps = options_.eps, .activation = options_.activation, .residual = residual});
  }
  ops::RunningStatistics running{.mean = avg_mean.data(), .variance = avg_var.data()};
  return ops::batch_normalization(x, gamma, beta, &running,
                                  {.eps = options_.eps,
                                   .decay = options_.decay,
                                   .activation = options_.activation,
                                   .residual = residual});
}

}  // namespace fathom::nn

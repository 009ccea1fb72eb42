// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/batch_norm2d.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/batch_normalization.hpp>

namespace fathom::nn {

BatchNorm2D::BatchNorm2D(std::int64_t channels, const BatchNorm2DOptions& options) : options_(options) {
  ArgumentCheck check{"BatchNorm2D"};
  check.at_least("channels", channels, 1, "it is the size of axis 1 of x");
  FATHOM_CHECK(check.hint("eps keeps the variance away from 0; 2e-5 is usual"), options.eps >= 0, ValueError,
               "eps must not be negative (eps is {})", options.eps);
  FATHOM_CHECK(check.hint("decay is the share of the old average that is kept; 0.9 is usual"),
               options.decay >= 0 && options.decay <= 1, ValueError,
               "decay must be between 0 and 1 (decay is {})", options.decay);
  gamma = Parameter{Array::ones({channels}, DType::float32)};
  beta = Parameter{Array::zeros({channels}, DType::float32)};
  avg_mean = Buffer{Array::zeros({channels}, DType::float32)};
  avg_var = Buffer{Array::ones({channels}, DType::float32)};
}

Variable BatchNorm2D::forward(const Variable& x) {
  if (!is_training()) {
    return ops::fixed_batch_normalization(x, gamma, beta, Variable{avg_mean.data()}, Variable{avg_var.data()},
                                          {.eps = options_.eps});
  }
  ops::RunningStatistics running{.mean = avg_mean.data(), .variance = avg_var.data()};
  return ops::batch_normalization(x, gamma, beta, &running, {.eps = options_.eps, .decay = options_.decay});
}

}  // namespace fathom::nn

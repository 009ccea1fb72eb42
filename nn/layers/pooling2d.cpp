// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/pooling2d.hpp>

namespace fathom::nn {

Variable MaxPool2D::forward(const Variable& x) { return ops::max_pooling_2d(x, options_); }
Variable AveragePool2D::forward(const Variable& x) { return ops::average_pooling_2d(x, options_); }
Variable AdaptiveAveragePool2D::forward(const Variable& x) {
  return ops::adaptive_average_pooling_2d(x, size_);
}
Variable GlobalAveragePool2D::forward(const Variable& x) { return ops::global_average_pooling_2d(x); }

}  // namespace fathom::nn

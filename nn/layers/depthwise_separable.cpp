// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/depthwise_separable.hpp>

namespace fathom::nn {

DepthwiseSeparable::DepthwiseSeparable(std::int64_t in_channels, std::int64_t out_channels,
                                       const DepthwiseSeparableOptions& options, Random& random)
    : depthwise(in_channels,
                {.kernel = options.kernel,
                 .stride = options.stride,
                 .pad = {options.kernel.y / 2, options.kernel.x / 2},
                 .activation = options.activation,
                 .eps = options.eps,
                 .decay = options.decay,
                 .initial_W = options.initial_W},
                random),
      pointwise(in_channels, out_channels,
                {.kernel = 1,
                 .activation = options.activation,
                 .eps = options.eps,
                 .decay = options.decay,
                 .initial_W = options.initial_W},
                random) {}

Variable DepthwiseSeparable::forward(const Variable& x) { return pointwise(depthwise(x)); }

}  // namespace fathom::nn

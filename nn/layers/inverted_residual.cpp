// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/inverted_residual.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/arithmetic.hpp>

namespace fathom::nn {

namespace {

/// What batch normalization applies in its own pass.
Activation inner_activation(const InvertedResidualOptions& options) {
  return options.function ? Activation::none : options.activation;
}

/// A pointwise convolution as the block has them before and after the depthwise one.
ConvBatchNorm pointwise(std::int64_t in_channels, std::int64_t out_channels, Activation activation,
                        const InvertedResidualOptions& options, Random& random) {
  return {in_channels,
          out_channels,
          {.kernel = 1,
           .activation = activation,
           .eps = options.eps,
           .decay = options.decay,
           .initial_W = options.initial_W},
          random};
}

/// Refused here, so that the error speaks of this block and not of its convolutions.
std::optional<ConvBatchNorm> expansion(std::int64_t in_channels, const InvertedResidualOptions& options,
                                       Random& random) {
  ArgumentCheck check{"InvertedResidual"};
  check.at_least("in_channels", in_channels, 1, "it is the size of axis 1 of x");
  check.at_least("expanded", options.expanded, 1, "MobileNetV2 has 6 * in_channels");
  if (options.expanded == in_channels) return std::nullopt;
  return pointwise(in_channels, options.expanded, inner_activation(options), options, random);
}

}  // namespace

InvertedResidual::InvertedResidual(std::int64_t in_channels, std::int64_t out_channels,
                                   const InvertedResidualOptions& options, Random& random)
    : expand(expansion(in_channels, options, random)),
      depthwise(options.expanded,
                {.kernel = options.kernel,
                 .stride = options.stride,
                 .pad = {options.kernel.y / 2, options.kernel.x / 2},
                 .activation = inner_activation(options),
                 .eps = options.eps,
                 .decay = options.decay,
                 .initial_W = options.initial_W},
                random),
      project(pointwise(options.expanded, out_channels, Activation::none, options, random)),
      adds_input_(options.stride == Pair2{1} && in_channels == out_channels),
      function_(options.function) {
  if (options.squeeze) squeeze.emplace(options.expanded, *options.squeeze, random);
  if (options.drop != 0 && adds_input_) drop.emplace(options.drop, random);
}

Variable InvertedResidual::forward(const Variable& x) {
  Variable h = activated(depthwise(expand ? activated((*expand)(x)) : x));
  if (squeeze) h = (*squeeze)(h);
  if (!adds_input_) return project(h);
  if (!drop || !is_training()) return project(h, x);
  return x + (*drop)(project(h));
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/squeeze_excite.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::nn {
namespace {

/// Refused here, so that the error speaks of this layer and not of its convolutions.
std::int64_t checked_channels(std::int64_t channels, const SqueezeExciteOptions& options) {
  ArgumentCheck check{"SqueezeExcite"};
  check.at_least("channels", channels, 1, "it is the size of axis 1 of x");
  check.at_least("reduced", options.reduced, 1, "it is the number of channels between the two layers");
  return channels;
}

}  // namespace

SqueezeExcite::SqueezeExcite(std::int64_t channels, const SqueezeExciteOptions& options, Random& random)
    : reduce(checked_channels(channels, options), options.reduced,
             {.kernel = 1, .initial_W = options.initial_W}, random),
      expand(options.reduced, channels, {.kernel = 1, .initial_W = options.initial_W}, random),
      options_(options) {}

Variable SqueezeExcite::forward(const Variable& x) {
  const Variable means = ops::global_average_pooling_2d(x);
  const Variable squeezed = ops::reshape(means, {means.shape(0), means.shape(1), 1, 1});
  return x * options_.gate(expand(options_.activation(reduce(squeezed))));
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/normalization.hpp>

#include <fmt/format.h>

#include <optional>
#include <vector>

#include <fathom/core/check.hpp>
#include <fathom/nn/initialization.hpp>

namespace fathom::nn {

namespace {

void check_eps(const ArgumentCheck& check, double eps) {
  FATHOM_CHECK(check.hint("eps keeps the variance away from 0; 1e-5 is usual"), eps >= 0, ValueError,
               "eps must not be negative (eps is {})", eps);
}

}  // namespace

LayerNorm::LayerNorm(const LayerNormOptions& options) : options_(options) {
  ArgumentCheck check{"LayerNorm"};
  check.at_least("axes", options.axes, 1, "they are the last ones of x");
  check_eps(check, options.eps);
  const std::vector<std::int64_t> sizes(static_cast<std::size_t>(options.axes), -1);
  gamma = beta = Parameter::deferred({.sizes = sizes, .dtype = DType::float32});
}

LayerNorm::LayerNorm(const Shape& shape, const LayerNormOptions& options)
    : LayerNorm(LayerNormOptions{static_cast<std::int64_t>(shape.rank()), options.eps}) {
  for (const std::int64_t size : shape) {
    ArgumentCheck{"LayerNorm"}.at_least("shape", size, 1, "it is that of the last axes of x");
  }
  initialize(shape);
}

void LayerNorm::initialize(const Shape& shape) {
  nn::initialize(gamma, init::constant(1), {}, shape, {});
  nn::initialize(beta, init::constant(0), {}, shape, {});
}

Variable LayerNorm::forward(const Variable& x) {
  std::optional<InitializationGuard> first;
  if (gamma.is_waiting() || beta.is_waiting()) {
    first.emplace(*this);
    const auto axes = static_cast<std::size_t>(options_.axes);
    const std::size_t rank = x.defined() ? x.shape().rank() : 0;
    Shape shape;
    for (std::size_t a = 0; a < axes; ++a) shape.push_back(rank < axes ? 1 : size_or_one(x, rank - axes + a));
    if (gamma.defined()) shape = gamma.shape();  // a file may have had one of them
    initialize(shape);
  }
  return ops::layer_normalization(x, gamma, beta, {.eps = options_.eps});
}

GroupNorm::GroupNorm(std::int64_t groups, const GroupNormOptions& options)
    : groups_(groups), options_(options) {
  ArgumentCheck check{"GroupNorm"};
  check.at_least("groups", groups, 1, "1 normalizes all channels of a sample together");
  check_eps(check, options.eps);
  gamma = beta = Parameter::deferred({.sizes = {{-1}}, .dtype = DType::float32});
}

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, const GroupNormOptions& options)
    : GroupNorm(groups, options) {
  ArgumentCheck check{"GroupNorm"};
  check.at_least("channels", channels, 1, "it is the size of axis 1 of x");
  FATHOM_CHECK(check.hint("groups of neighbouring channels have all the same size"), channels % groups == 0,
               ValueError, "groups must divide channels (groups is {}, channels is {})", groups, channels);
  initialize(channels);
}

void GroupNorm::initialize(std::int64_t channels) {
  nn::initialize(gamma, init::constant(1), {}, {channels}, {});
  nn::initialize(beta, init::constant(0), {}, {channels}, {});
}

Variable GroupNorm::forward(const Variable& x) {
  std::optional<InitializationGuard> first;
  if (gamma.is_waiting() || beta.is_waiting()) {
    first.emplace(*this);
    initialize(gamma.defined() ? gamma.size() : size_or_one(x, 1));  // a file may have had one of them
  }
  return ops::group_normalization(x, groups_, gamma, beta, {.eps = options_.eps});
}

LocalResponseNorm::LocalResponseNorm(const ops::LocalResponseNormalizationOptions& options)
    : options_(options) {
  ArgumentCheck{"LocalResponseNorm"}.at_least("n", options.n, 1, "it is the number of channels in a window");
}

Variable LocalResponseNorm::forward(const Variable& x) {
  return ops::local_response_normalization(x, options_);
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/conv2d.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <fathom/core/check.hpp>
#include <fathom/nn/fold_batch_norm/layers.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/convolution_2d.hpp>

namespace fathom::nn {

Conv2D::Conv2D(std::int64_t out_channels, const Conv2DOptions& options, Random& random)
    : options_(options), out_channels_(out_channels), key_W_(random.key()), key_b_(random.key()) {
  ArgumentCheck check{"Conv2D"};
  check.at_least("out_channels", out_channels, 1, "it is the size of axis 1 of the output");
  check.at_least("kernel", options.kernel, 1, "1 is a kernel of one pixel");
  ops::detail::check_window(check,
                            {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});
  check.at_least("groups", options.groups, 1, ops::detail::kGroupsHint);
  FATHOM_CHECK(check.hint(ops::detail::kGroupsHint), out_channels % options.groups == 0, ValueError,
               "groups must divide out_channels (groups is {}, out_channels {})", options.groups,
               out_channels);
  W = Parameter::deferred(
      {.sizes = {{out_channels, -1, options.kernel.y, options.kernel.x}}, .dtype = DType::float32});
  if (options.bias) b = Parameter::deferred({.sizes = {{out_channels}}, .dtype = DType::float32});
}

Conv2D::Conv2D(std::int64_t in_channels, std::int64_t out_channels, const Conv2DOptions& options,
               Random& random)
    : Conv2D(out_channels, options, random) {
  ArgumentCheck check{"Conv2D"};
  check.at_least("in_channels", in_channels, 1, "it is the size of axis 1 of x");
  FATHOM_CHECK(check.hint(ops::detail::kGroupsHint), in_channels % options.groups == 0, ValueError,
               "groups must divide in_channels (groups is {}, in_channels {})", options.groups, in_channels);
  initialize(in_channels);
}

void Conv2D::initialize(std::int64_t in_channels) {
  const Pair2 kernel = options_.kernel;
  // A number of channels that groups do not divide is refused by the op.
  const Shape shape{out_channels_, std::max<std::int64_t>(in_channels / options_.groups, 1), kernel.y,
                    kernel.x};
  const Fans fans{.in = shape[1] * kernel.y * kernel.x,
                  .out = out_channels_ / options_.groups * kernel.y * kernel.x};
  nn::initialize(W, options_.initial_W, key_W_, shape, fans);
  nn::initialize(b, options_.initial_b, key_b_, {out_channels_}, fans);
}

Variable Conv2D::forward(const Variable& x) { return run(x, {}); }

Variable Conv2D::operator()(const Variable& x, const Variable& residual) {
  ArgumentCheck{"Conv2D"}.argument("residual", residual.defined() ? residual.data() : Array{}).defined();
  const ModuleScope scope{*this};
  return run(x, residual);
}

Variable Conv2D::run(const Variable& x, const Variable& residual) {
  if (is_folded_) detail::require_not_training("Conv2D", is_training());
  std::optional<InitializationGuard> first;
  if (W.is_waiting() || b.is_waiting()) {
    first.emplace(*this);
    initialize(size_or_one(x, 1));
  }
  const Activation activation = residual.defined() ? Activation::none : options_.activation;
  const Variable y = ops::convolution_2d(x, W, b,
                                         {.stride = options_.stride,
                                          .pad = options_.pad,
                                          .dilation = options_.dilation,
                                          .groups = options_.groups,
                                          .activation = activation});
  return residual.defined() ? detail::add_residual("Conv2D", y, residual, options_.activation) : y;
}

bool Conv2D::fold(const BatchNorm2D& bn) {
  require_initialized("fold", *this);
  if (options_.activation != Activation::none || !detail::fold(bn, W, b, out_channels_)) return false;
  options_.bias = true;
  options_.activation = bn.options().activation;
  is_folded_ = true;
  return true;
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/linear.hpp>

#include <optional>

#include <fathom/core/check.hpp>
#include <fathom/nn/fold_batch_norm/layers.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/ops/linear.hpp>

namespace fathom::nn {

Linear::Linear(std::int64_t out_size, const LinearOptions& options, Random& random)
    : options_(options), out_size_(out_size), key_W_(random.key()), key_b_(random.key()) {
  ArgumentCheck check{"Linear"};
  check.at_least("out_size", out_size, 1, "it is the number of outputs for a sample");
  check.at_least("n_batch_axes", options.n_batch_axes, 1,
                 "the first axis counts the samples; 1 is the default");
  W = Parameter::deferred({.sizes = {{out_size, -1}}, .dtype = DType::float32});
  if (options.bias) b = Parameter::deferred({.sizes = {{out_size}}, .dtype = DType::float32});
}

Linear::Linear(std::int64_t in_size, std::int64_t out_size, const LinearOptions& options, Random& random)
    : Linear(out_size, options, random) {
  ArgumentCheck{"Linear"}.at_least("in_size", in_size, 1, "it is the number of values in a sample");
  initialize(in_size);
}

void Linear::initialize(std::int64_t in_size) {
  const Fans fans{.in = in_size, .out = out_size_};
  nn::initialize(W, options_.initial_W, key_W_, {out_size_, in_size}, fans);
  nn::initialize(b, options_.initial_b, key_b_, {out_size_}, fans);
}

Variable Linear::forward(const Variable& x) {
  if (is_folded_) detail::require_not_training("Linear", is_training());
  std::optional<InitializationGuard> first;
  if (W.is_waiting() || b.is_waiting()) {
    first.emplace(*this);
    std::int64_t in_size = 1;
    const std::size_t axes = x.defined() ? x.rank() : 0;
    for (auto axis = static_cast<std::size_t>(options_.n_batch_axes); axis < axes; ++axis) {
      in_size *= size_or_one(x, axis);
    }
    initialize(in_size);
  }
  return ops::linear(x, W, b, {.n_batch_axes = options_.n_batch_axes, .activation = options_.activation});
}

bool Linear::fold(const BatchNorm2D& bn) {
  require_initialized("fold", *this);
  // With more axes the outputs are not axis 1, which batch normalization takes for the channels.
  if (options_.n_batch_axes != 1) return false;
  if (options_.activation != Activation::none || !detail::fold(bn, W, b, out_size_)) return false;
  options_.bias = true;
  options_.activation = bn.options().activation;
  is_folded_ = true;
  return true;
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/linear.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/linear.hpp>

namespace fathom::nn {

Linear::Linear(std::int64_t in_size, std::int64_t out_size, const LinearOptions& options, Random& random)
    : options_(options), key_W_(random.key()), key_b_(random.key()) {
  ArgumentCheck check{"Linear"};
  check.at_least("in_size", in_size, 1, "it is the number of values in a sample");
  check.at_least("out_size", out_size, 1, "it is the number of outputs for a sample");
  check.at_least("n_batch_axes", options.n_batch_axes, 1,
                 "the first axis counts the samples; 1 is the default");

  const Fans fans{.in = in_size, .out = out_size};
  W = Parameter{options.initial_W(key_W_, {out_size, in_size}, fans, DType::float32)};
  if (options.bias) b = Parameter{options.initial_b(key_b_, {out_size}, fans, DType::float32)};
}

Variable Linear::forward(const Variable& x) {
  return ops::linear(x, W, b, {.n_batch_axes = options_.n_batch_axes});
}

}  // namespace fathom::nn

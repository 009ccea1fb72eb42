// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/activation.hpp>

#include <fathom/nn/initialization.hpp>

namespace fathom::nn {

PReLU::PReLU(const Shape& shape, double initial_W) : W(Array::full(shape, initial_W, DType::float32)) {}

Variable PReLU::forward(const Variable& x) { return ops::prelu(x, W); }

Swish::Swish(const std::optional<Shape>& shape, double initial_beta) : initial_beta_(initial_beta) {
  beta = shape ? Parameter(Array::full(*shape, initial_beta, DType::float32))
               : Parameter::deferred({.dtype = DType::float32});
}

Variable Swish::forward(const Variable& x) {
  std::optional<InitializationGuard> first;
  if (beta.is_waiting()) {
    first.emplace(*this);
    Shape shape;
    const std::size_t axes = x.defined() ? x.rank() : 0;
    for (std::size_t axis = 1; axis < axes; ++axis) shape.push_back(size_or_one(x, axis));
    nn::initialize(beta, init::constant(initial_beta_), {}, shape, {});
  }
  return ops::swish(x, beta);
}

}  // namespace fathom::nn

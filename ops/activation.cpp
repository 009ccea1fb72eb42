// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/activation.hpp>

#include <algorithm>
#include <span>

#include <fathom/core/check.hpp>
#include <fathom/ops/activation/rules.hpp>
#include <fathom/ops/joining.hpp>
#include <fathom/ops/reduction.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using rules::elementwise;

namespace {

/// `weights`, whose sizes are those of x's axes from 1 on or of the first of them, with axes of size 1 for
/// the rest, so that it broadcasts to x.
Variable along_channels(std::string_view op, const Variable& x, std::string_view name,
                        const Variable& weights) {
  ArgumentCheck check(op);
  check.argument("x", detail::array_or_undefined(x), "(n, d..., ...)");
  check.argument(name, detail::array_or_undefined(weights), "(d...)").same_dtype();
  const Shape& d = weights.shape();
  FATHOM_CHECK(check.hint("reshape it to the sizes of x without the first, or to () for one number"),
               d.rank() < x.rank() && std::equal(d.begin(), d.end(), x.shape().begin() + 1), ShapeError,
               "{} must have the sizes of x's axes from 1 on, or of the first of them ({} is {}, x is {})",
               name, name, to_string(d), to_string(x.shape()));
  Shape stretched{1};
  for (const std::int64_t size : d) stretched.push_back(size);
  while (stretched.rank() < x.rank()) stretched.push_back(1);
  return reshape(weights, stretched);
}

}  // namespace

Variable relu(const Variable& x) { return elementwise(x, rules::Relu{}); }
Variable relu6(const Variable& x) { return elementwise(x, rules::Relu6{6}); }
Variable clipped_relu(const Variable& x, double z) {
  const ArgumentCheck check = detail::check_defined("clipped_relu", x);
  FATHOM_CHECK(check.hint("z is the largest value of the result"), z > 0, ValueError,
               "z must be above 0 (it is {})", z);
  return elementwise(x, rules::ClippedRelu{z});
}
Variable leaky_relu(const Variable& x, double slope) { return elementwise(x, rules::LeakyRelu{slope}); }
Variable sigmoid(const Variable& x) { return elementwise(x, rules::Sigmoid{}); }
Variable hard_sigmoid(const Variable& x, double slope) { return elementwise(x, rules::HardSigmoid{slope}); }
Variable tanh(const Variable& x) { return elementwise(x, rules::Tanh{}); }
Variable elu(const Variable& x, double alpha) { return elementwise(x, rules::Elu{alpha}); }
Variable selu(const Variable& x, double alpha, double scale) {
  return elementwise(x, rules::Selu{alpha, scale});
}
Variable softplus(const Variable& x, double beta) {
  const ArgumentCheck check = detail::check_defined("softplus", x);
  FATHOM_CHECK(check.hint("the result is divided by beta; 1 is usual"), beta < 0 || beta > 0, ValueError,
               "beta must not be 0 (it is {})", beta);
  return elementwise(x, rules::Softplus{beta});
}
Variable swish(const Variable& x, double beta) {
  detail::check_defined("swish", x);
  return elementwise(x, Variable{Array::scalar(beta, x.dtype())}, rules::Swish{});
}
Variable swish(const Variable& x, const Variable& beta) {
  return elementwise(x, along_channels("swish", x, "beta", beta), rules::Swish{});
}
Variable hard_swish(const Variable& x) { return elementwise(x, rules::HardSwish{}); }
Variable gelu(const Variable& x, GeluForm form) {
  detail::check_defined("gelu", x);
  return form == GeluForm::exact ? elementwise(x, rules::Gelu{}) : elementwise(x, rules::TanhGelu{});
}
Variable mish(const Variable& x) { return elementwise(x, rules::Mish{}); }
Variable prelu(const Variable& x, const Variable& W) {
  return elementwise(x, along_channels("prelu", x, "W", W), rules::PRelu{});
}

Variable crelu(const Variable& x, std::int64_t axis) {
  const ArgumentCheck check = detail::check_defined("crelu", x);
  static_cast<void>(check.axis(axis, x.rank()));
  return concat({relu(x), relu(-x)}, axis);
}

Variable maxout(const Variable& x, std::int64_t pool_size, std::int64_t axis) {
  ArgumentCheck check = detail::check_defined("maxout", x);
  check.at_least("pool_size", pool_size, 1, "it is the number of neighbours of which the largest is taken");
  const std::size_t along = check.axis(axis, x.rank());
  FATHOM_CHECK(check.hint("each result is the largest of pool_size neighbours along axis"),
               x.shape()[along] % pool_size == 0, ShapeError,
               "pool_size must divide the size of axis {} (pool_size is {}, the size {})", axis, pool_size,
               x.shape()[along]);
  Shape shape = x.shape();
  shape[along] /= pool_size;
  const auto middle = shape.begin() + along;
  const Shape before(std::span(shape.begin(), middle));
  const Shape after(std::span(middle + 1, shape.end()));
  const Variable pools = reshape(x, {before.size(), shape[along], pool_size, after.size()});
  return reshape(max(pools, {.axis = Axes{2}}), shape);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
// Units that know axes: those with a parameter for each channel, and those that change the shape.
#include <algorithm>
#include <span>

#include <fathom/core/check.hpp>
#include <fathom/ops/activation.hpp>
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

Variable swish(const Variable& x, double beta) {
  detail::check_defined("swish", x);
  return elementwise(x, Variable{Array::scalar(beta, x.dtype())}, rules::Swish{});
}
Variable swish(const Variable& x, const Variable& beta) {
  return elementwise(x, along_channels("swish", x, "beta", beta), rules::Swish{});
}
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

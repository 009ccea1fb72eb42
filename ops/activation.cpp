// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/activation.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/activation/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using rules::elementwise;

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

}  // namespace fathom::ops

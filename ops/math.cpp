// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/math.hpp>

#include <fathom/ops/math/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using rules::elementwise;

Variable exp(const Variable& x) { return elementwise(x, rules::Exp{}); }
Variable log(const Variable& x) { return elementwise(x, rules::Log{}); }
Variable sqrt(const Variable& x) { return elementwise(x, rules::Sqrt{}); }
Variable square(const Variable& x) { return elementwise(x, rules::Square{}); }
Variable absolute(const Variable& x) { return elementwise(x, rules::Absolute{}); }
Variable pow(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Pow{}); }
Variable pow_scalar(const Variable& x, double value) { return elementwise(x, rules::PowScalar{{value}}); }
Variable rpow_scalar(const Variable& x, double value) {
  return elementwise(x, rules::RpowScalar{{value}, std::log(value)});
}

}  // namespace fathom::ops

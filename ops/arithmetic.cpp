// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/arithmetic.hpp>

#include <fathom/ops/arithmetic/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using rules::elementwise;

Variable add(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Add{}); }
Variable sub(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Sub{}); }
Variable mul(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Mul{}); }
Variable div(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Div{}); }
Variable neg(const Variable& x) { return elementwise(x, rules::Neg{}); }

Variable add_scalar(const Variable& x, double value) { return elementwise(x, rules::AddScalar{{value}}); }
Variable sub_scalar(const Variable& x, double value) { return elementwise(x, rules::SubScalar{{value}}); }
Variable rsub_scalar(const Variable& x, double value) { return elementwise(x, rules::RsubScalar{{value}}); }
Variable mul_scalar(const Variable& x, double value) { return elementwise(x, rules::MulScalar{{value}}); }
Variable div_scalar(const Variable& x, double value) { return elementwise(x, rules::DivScalar{{value}}); }
Variable rdiv_scalar(const Variable& x, double value) { return elementwise(x, rules::RdivScalar{{value}}); }

}  // namespace fathom::ops

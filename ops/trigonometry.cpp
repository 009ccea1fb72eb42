// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/trigonometry.hpp>

#include <fathom/ops/rules/elementwise.hpp>
#include <fathom/ops/trigonometry/rules.hpp>

namespace fathom::ops {

using rules::elementwise;

Variable sin(const Variable& x) { return elementwise(x, rules::Sin{}); }
Variable cos(const Variable& x) { return elementwise(x, rules::Cos{}); }
Variable tan(const Variable& x) { return elementwise(x, rules::Tan{}); }
Variable arctan(const Variable& x) { return elementwise(x, rules::Arctan{}); }
Variable sinh(const Variable& x) { return elementwise(x, rules::Sinh{}); }
Variable cosh(const Variable& x) { return elementwise(x, rules::Cosh{}); }

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/math.hpp>

#include <cmath>

#include <fathom/core/elementwise.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/math/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using rules::elementwise;

namespace {

/// f of each element. It is flat wherever it is continuous, so no gradient flows back.
template <class F>
Variable step_function(std::string_view op, const Variable& x, F f) {
  detail::check_defined(op, x);
  return Variable{map(op, x.data(), f)};
}

}  // namespace

Variable exp(const Variable& x) { return elementwise(x, rules::Exp{}); }
Variable expm1(const Variable& x) { return elementwise(x, rules::Expm1{}); }
Variable log(const Variable& x) { return elementwise(x, rules::Log{}); }
Variable log1p(const Variable& x) { return elementwise(x, rules::Log1p{}); }
Variable sqrt(const Variable& x) { return elementwise(x, rules::Sqrt{}); }
Variable rsqrt(const Variable& x) { return elementwise(x, rules::Rsqrt{}); }
Variable square(const Variable& x) { return elementwise(x, rules::Square{}); }
Variable absolute(const Variable& x) { return elementwise(x, rules::Absolute{}); }
Variable erf(const Variable& x) { return elementwise(x, rules::Erf{}); }
Variable sign(const Variable& x) {
  return step_function("sign", x, []<class T>(T v) {
    if (v > 0) return T{1};
    if (v < 0) return T{-1};
    return v == 0 ? T{0} : v;
  });
}
Variable floor(const Variable& x) {
  return step_function("floor", x, [](auto v) { return std::floor(v); });
}
Variable ceil(const Variable& x) {
  return step_function("ceil", x, [](auto v) { return std::ceil(v); });
}
Variable pow(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Pow{}); }
Variable pow_scalar(const Variable& x, double value) { return elementwise(x, rules::PowScalar{{value}}); }
Variable rpow_scalar(const Variable& x, double value) {
  return elementwise(x, rules::RpowScalar{{value}, std::log(value)});
}

}  // namespace fathom::ops

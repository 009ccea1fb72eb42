// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/regression_loss.hpp>

#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/regression_loss/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

namespace {

/// Of two arrays of one shape, in the name of `op`.
ArgumentCheck check_pair(std::string_view op, const Variable& x0, const Variable& x1) {
  ArgumentCheck check(op);
  check.argument("x0", detail::array_or_undefined(x0)).argument("x1", detail::array_or_undefined(x1));
  check.same_dtype().shape(x0.shape(), "that of x0");
  return check;
}

Variable difference(std::string_view op, const Variable& x0, const Variable& x1) {
  check_pair(op, x0, x1);
  return x0 - x1;
}

void check_gaussian_nll(const Array& x, const Array& mean, const Array& ln_var) {
  ArgumentCheck check("gaussian_nll");
  check.argument("x", x).argument("mean", mean).argument("ln_var", ln_var);
  check.select("mean").same_dtype().select("ln_var").same_dtype().broadcast();
}

}  // namespace

Variable absolute_error(const Variable& x0, const Variable& x1) {
  return absolute(difference("absolute_error", x0, x1));
}

Variable squared_error(const Variable& x0, const Variable& x1) {
  return square(difference("squared_error", x0, x1));
}

Variable mean_absolute_error(const Variable& x0, const Variable& x1) {
  return mean(absolute(difference("mean_absolute_error", x0, x1)));
}

Variable mean_squared_error(const Variable& x0, const Variable& x1) {
  return mean(square(difference("mean_squared_error", x0, x1)));
}

Variable huber_loss(const Variable& x0, const Variable& x1, const HuberLossOptions& options) {
  const ArgumentCheck check = check_pair("huber_loss", x0, x1);
  FATHOM_CHECK(check.hint("it is the distance from which on the loss grows like a line"), options.delta > 0,
               ValueError, "delta must be positive (it is {})", options.delta);
  FATHOM_CHECK(check.hint("choose another reduction: Reduce::mean, sum or no"),
               options.reduce || x0.rank() >= 2, ShapeError,
               "x0 must have an axis 1 to sum along (its rank is {})", x0.rank());
  const Variable losses = rules::elementwise(x0 - x1, rules::HuberLoss{options.delta});
  if (!options.reduce) return sum(losses, {.axis = Axes{1}});
  return detail::reduced(losses, *options.reduce, losses.size());
}

Variable gaussian_nll(const Variable& x, const Variable& mean, const Variable& ln_var, Reduce reduce) {
  check_gaussian_nll(detail::array_or_undefined(x), detail::array_or_undefined(mean),
                     detail::array_or_undefined(ln_var));
  const Variable losses = (square(x - mean) * exp(-ln_var) + ln_var + std::log(2 * std::numbers::pi)) * 0.5;
  return detail::reduced(losses, reduce, losses.size());
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/schedule.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include <fathom/core/check.hpp>
#include <fathom/nn/optim/checks/options.hpp>

namespace fathom::nn {

namespace {

void check_step(std::string_view op, std::int64_t step) {
  ArgumentCheck(op).at_least("step", step, 0, "steps count from 0");
}

void check_step(std::string_view op, std::int64_t step, std::int64_t total) {
  const ArgumentCheck check(op);
  FATHOM_CHECK(check.hint("it is the number of all steps, epochs times batches"), total >= 1, ValueError,
               "total must be at least 1 (total is {})", total);
  FATHOM_CHECK(check.hint("count steps from 0, and all of them in total"), step >= 0 && step <= total,
               ValueError, "step must be between 0 and total (step is {}, total {})", step, total);
}

void check_share(std::string_view op, std::string_view option, double value, std::string_view hint) {
  FATHOM_CHECK(ArgumentCheck(op).hint(hint), value >= 0 && value <= 1, ValueError,
               "{0} must be between 0 and 1 ({0} is {1})", option, value);
}

void check_decay(std::string_view op, double rate, double factor) {
  detail::require_not_negative(op, "rate", rate, "it is the rate of step 0");
  detail::require_positive(op, "factor", factor, "it multiplies the rate; 0.1 is usual");
}

/// From 1 at share 0 along half a cosine to 0 at share 1.
double half_cosine(double share) { return (1 + std::cos(std::numbers::pi * share)) / 2; }

}  // namespace

double step_decay(std::int64_t step, const StepDecayOptions& options) {
  check_step("step_decay", step);
  check_decay("step_decay", options.rate, options.factor);
  ArgumentCheck("step_decay").at_least("every", options.every, 1, "it is a number of steps");
  const std::int64_t changes = step / options.every;
  return options.rate * std::pow(options.factor, static_cast<double>(changes));
}

double multi_step_decay(std::int64_t step, const MultiStepDecayOptions& options) {
  check_step("multi_step_decay", step);
  check_decay("multi_step_decay", options.rate, options.factor);
  FATHOM_CHECK(ArgumentCheck("multi_step_decay").hint("sort them"),
               std::is_sorted(options.at.begin(), options.at.end()), ValueError,
               "the steps in `at` must ascend");
  const auto reached = std::upper_bound(options.at.begin(), options.at.end(), step) - options.at.begin();
  return options.rate * std::pow(options.factor, static_cast<double>(reached));
}

double exponential_decay(std::int64_t step, const ExponentialDecayOptions& options) {
  check_step("exponential_decay", step);
  check_decay("exponential_decay", options.rate, options.factor);
  return options.rate * std::pow(options.factor, static_cast<double>(step));
}

double cosine_decay(std::int64_t step, std::int64_t total, const CosineDecayOptions& options) {
  check_step("cosine_decay", step, total);
  detail::require_not_negative("cosine_decay", "rate", options.rate, "it is the rate of step 0");
  detail::require_not_negative("cosine_decay", "floor", options.floor, "it is the rate at total");
  const double share = static_cast<double>(step) / static_cast<double>(total);
  return options.floor + (options.rate - options.floor) * half_cosine(share);
}

double polynomial_decay(std::int64_t step, std::int64_t total, const PolynomialDecayOptions& options) {
  check_step("polynomial_decay", step, total);
  detail::require_not_negative("polynomial_decay", "rate", options.rate, "it is the rate of step 0");
  detail::require_not_negative("polynomial_decay", "floor", options.floor, "it is the rate at total");
  detail::require_positive("polynomial_decay", "power", options.power, "1 is a straight line");
  const double left = 1 - static_cast<double>(step) / static_cast<double>(total);
  return options.floor + (options.rate - options.floor) * std::pow(left, options.power);
}

double warm_up(std::int64_t step, std::int64_t length, double start) {
  check_step("warm_up", step);
  ArgumentCheck("warm_up").at_least("length", length, 0, "it is a number of steps; 0 for no warm-up");
  check_share("warm_up", "start", start, "it is a share of the rate that follows");
  if (step >= length) return 1;
  return start + (1 - start) * static_cast<double>(step) / static_cast<double>(length);
}

double one_cycle(std::int64_t step, std::int64_t total, const OneCycleOptions& options) {
  check_step("one_cycle", step, total);
  check_share("one_cycle", "warm_up", options.warm_up, "it is a share of total, not a number of steps");
  const auto at = static_cast<double>(step);
  const auto length = static_cast<double>(total);
  const double warm_up = options.warm_up * length;
  if (at < warm_up) return options.peak * (options.start + (1 - options.start) * at / warm_up);
  if (warm_up >= length) return options.peak;
  const double share = (at - warm_up) / (length - warm_up);
  return options.peak * (options.end + (1 - options.end) * half_cosine(share));
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/extrema/rules.hpp>
#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

/// Of a difference d: a rule of its own, because the gradient of a product with clip(d) is 0 times infinity
/// at an infinite d.
struct HuberLoss {
  static constexpr std::string_view name = "huber_loss";
  static constexpr Keeps keeps = Keeps::inputs;
  double delta;
  auto options() const { return Options{Option{"delta", delta}}; }
  // d^2 / 2 where nothing is cut off.
  auto value(const auto& d) const {
    const auto slope = Clip{-delta, delta}.value(d);
    return slope * (d - slope * 0.5);
  }
  auto gradient(const auto& gy, const auto& d) const { return gy * apply_rule(Clip{-delta, delta}, d); }
};

using RegressionLosses = RuleTable<HuberLoss>;
template <class Rule>
requires(RegressionLosses::has<Rule>) RegressionLosses table_of(const Rule& rule);

}  // namespace fathom::ops::rules

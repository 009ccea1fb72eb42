// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/activation/rules.hpp>
#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

/// What stands in t where an element is ignored.
inline constexpr double kIgnored = -1;

inline constexpr auto is_counted = [](const auto& t) {
  return choose(t == like(t, kIgnored), 0, like(t, 1));
};

/// d loss / dx = sigmoid(x) - t, an op of its own so that an ignored score that is NaN does no harm.
struct SigmoidCrossEntropySlope {
  static constexpr std::string_view name = "sigmoid_cross_entropy_slope";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& x, const auto& t) const {
    return choose(t == like(t, kIgnored), 0, Sigmoid{}.value(x) - t);
  }
  auto gradient_a(const auto& gy, const auto& x, const auto& t) const {
    const auto y = apply_rule(Sigmoid{}, zero_unless(is_counted, t, x));
    return gy * locally_constant(is_counted, t) * y * (1 - y);
  }
  auto gradient_b(const auto& gy, const auto& /*x*/, const auto& t) const {
    return negated(gy) * locally_constant(is_counted, t);
  }
};

struct SigmoidCrossEntropy {
  static constexpr std::string_view name = "sigmoid_cross_entropy";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& x, const auto& t) const {
    // Not x times it where it is 0: x may be infinite.
    const auto other_side = choose(x < 0, t, 1 - t);
    const auto distance = choose(other_side == 0, 0, abs(x) * other_side);
    return choose(t == like(t, kIgnored), 0, distance + log1p(exp(-abs(x))));
  }
  auto gradient_a(const auto& gy, const auto& x, const auto& t) const {
    return gy * apply_rule(SigmoidCrossEntropySlope{}, x, t);
  }
  auto gradient_b(const auto& gy, const auto& x, const auto& t) const {
    return negated(gy) * zero_unless(is_counted, t, x);
  }
};

using SigmoidCrossEntropies = RuleTable<SigmoidCrossEntropy, SigmoidCrossEntropySlope>;
template <class Rule>
requires(SigmoidCrossEntropies::has<Rule>) SigmoidCrossEntropies table_of(const Rule& rule);

}  // namespace fathom::ops::rules

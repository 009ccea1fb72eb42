// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

/// Which of two numbers is the extremum, the first at ties.
enum class Extreme : bool { least, largest };
template <Extreme extreme>
auto is_first(const auto& a, const auto& b) {
  if constexpr (extreme == Extreme::largest) {
    return a >= b;
  } else {
    return a <= b;
  }
}

template <Extreme extreme>
struct OfTwo {
  static constexpr std::string_view name = extreme == Extreme::largest ? "maximum" : "minimum";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  // A NaN in b needs no mention: then no comparison holds.
  auto value(const auto& a, const auto& b) const { return choose(is_first<extreme>(a, b) || isnan(a), a, b); }
  auto gradient_a(const auto& gy, const auto& a, const auto& b) const {
    return gy * locally_constant(
                    [](const auto& v, const auto& w) { return choose(is_first<extreme>(v, w), 1, 0); }, a, b);
  }
  auto gradient_b(const auto& gy, const auto& a, const auto& b) const {
    return gy * locally_constant(
                    [](const auto& v, const auto& w) { return choose(is_first<extreme>(v, w), 0, 1); }, a, b);
  }
};
using Maximum = OfTwo<Extreme::largest>;
using Minimum = OfTwo<Extreme::least>;

template <Extreme extreme>
struct WithBound : WithNumber {
  static constexpr std::string_view name = extreme == Extreme::largest ? "maximum_scalar" : "minimum_scalar";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return OfTwo<extreme>{}.value(x, like(x, number)); }
  auto gradient(const auto& gy, const auto& x) const {
    return gy * locally_constant(
                    [this](const auto& v) { return choose(is_first<extreme>(v, like(v, number)), 1, 0); }, x);
  }
};
using MaximumScalar = WithBound<Extreme::largest>;
using MinimumScalar = WithBound<Extreme::least>;

struct Clip {
  static constexpr std::string_view name = "clip";
  static constexpr Keeps keeps = Keeps::inputs;
  double x_min, x_max;
  auto options() const { return Options{Option{"x_min", x_min}, Option{"x_max", x_max}}; }
  auto value(const auto& x) const {
    return choose(x < like(x, x_min), like(x, x_min), choose(x > like(x, x_max), like(x, x_max), x));
  }
  auto gradient(const auto& gy, const auto& x) const {
    const auto is_inside = [this](const auto& v) {
      return choose(v >= like(v, x_min) && v <= like(v, x_max), 1, 0);
    };
    return gy * locally_constant(is_inside, x);
  }
};

using Extrema = RuleTable<Maximum, Minimum, MaximumScalar, MinimumScalar, Clip>;
template <class Rule>
requires(Extrema::has<Rule>) Extrema table_of(const Rule& rule);

}  // namespace fathom::ops::rules

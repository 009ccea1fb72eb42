// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

// sin, cos and tan are the C library's: xsimd 8.1's lose digits near their zeros in double, and leave symbols
// in the units of the instruction sets.

struct Sin {
  static constexpr std::string_view name = "sin";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const {
    return lanewise([](auto v) { return std::sin(v); }, x);
  }
  auto gradient(const auto& gy, const auto& x) const;
};

struct Cos {
  static constexpr std::string_view name = "cos";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const {
    return lanewise([](auto v) { return std::cos(v); }, x);
  }
  auto gradient(const auto& gy, const auto& x) const { return negated(gy) * apply_rule(Sin{}, x); }
};
auto Sin::gradient(const auto& gy, const auto& x) const { return gy * apply_rule(Cos{}, x); }

struct Tan {
  static constexpr std::string_view name = "tan";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const {
    return lanewise([](auto v) { return std::tan(v); }, x);
  }
  auto gradient(const auto& gy, const auto& y) const { return gy * (y * y + 1); }
};

struct Arctan {
  static constexpr std::string_view name = "arctan";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return atan(x); }
  auto gradient(const auto& gy, const auto& x) const { return gy / (x * x + 1); }
};

struct Sinh {
  static constexpr std::string_view name = "sinh";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return sinh(x); }
  auto gradient(const auto& gy, const auto& x) const;
};

struct Cosh {
  static constexpr std::string_view name = "cosh";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return cosh(x); }
  auto gradient(const auto& gy, const auto& x) const { return gy * apply_rule(Sinh{}, x); }
};
auto Sinh::gradient(const auto& gy, const auto& x) const { return gy * apply_rule(Cosh{}, x); }

using Trigonometry = RuleTable<Sin, Cos, Tan, Arctan, Sinh, Cosh>;
template <class Rule>
requires(Trigonometry::has<Rule>) Trigonometry table_of(const Rule& rule);

}  // namespace fathom::ops::rules

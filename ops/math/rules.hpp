// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

struct Exp {
  static constexpr std::string_view name = "exp";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const { return exp(x); }
  auto gradient(const auto& gy, const auto& y) const { return gy * y; }
};

struct Log {
  static constexpr std::string_view name = "log";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return log(x); }
  auto gradient(const auto& gy, const auto& x) const { return gy / x; }
};

struct Sqrt {
  static constexpr std::string_view name = "sqrt";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const { return sqrt(x); }
  auto gradient(const auto& gy, const auto& y) const { return gy / (2 * y); }
};

struct Square {
  static constexpr std::string_view name = "square";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return x * x; }
  auto gradient(const auto& gy, const auto& x) const { return gy * (2 * x); }
};

struct Absolute {
  static constexpr std::string_view name = "absolute";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return abs(x); }
  auto gradient(const auto& gy, const auto& x) const {
    // The last v is 0 or NaN.
    return gy *
           locally_constant([](const auto& v) { return choose(v > 0, like(v, 1), choose(v < 0, -1, v)); }, x);
  }
};

/// The C library's: exp(b log a), which is what xsimd's computes, loses digits in proportion to b log a.
inline constexpr auto power = [](auto a, auto b) { return std::pow(a, b); };

struct Pow {
  static constexpr std::string_view name = "pow";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& a, const auto& b) const { return lanewise(power, a, b); }
  auto gradient_a(const auto& gy, const auto& a, const auto& b) const {
    return gy * (b * apply_rule(Pow{}, a, b - 1));
  }
  auto gradient_b(const auto& gy, const auto& a, const auto& b) const {
    return gy * (apply_rule(Log{}, a) * apply_rule(Pow{}, a, b));
  }
};

struct PowScalar : WithNumber {
  static constexpr std::string_view name = "pow_scalar";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return lanewise(power, x, like(x, number)); }
  auto gradient(const auto& gy, const auto& x) const {
    // The derivative of 1 is 0 at x = 0, too, where 0 * pow(x, -1) would be NaN.
    const double reduced = number == 0 ? 0 : number - 1;
    return gy * (apply_rule(PowScalar{{reduced}}, x) * like(x, number));
  }
};

struct RpowScalar : WithNumber {
  static constexpr std::string_view name = "rpow_scalar";
  static constexpr Keeps keeps = Keeps::output;
  double logarithm;  ///< of the number
  auto value(const auto& x) const { return lanewise(power, like(x, number), x); }
  auto gradient(const auto& gy, const auto& y) const { return gy * (y * like(y, logarithm)); }
};

using Math = RuleTable<Exp, Log, Sqrt, Square, Absolute, Pow, PowScalar, RpowScalar>;
template <class Rule>
requires(Math::has<Rule>) Math table_of(const Rule& rule);

}  // namespace fathom::ops::rules

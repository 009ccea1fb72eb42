// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

struct Exp {
  static constexpr std::string_view name = "exp";
  static constexpr Keeps keeps = Keeps::output;
  // xsimd 8.1's is 0 or infinite too soon at the ends of the range; there it is exp(x / 2)^2.
  auto value(const auto& x) const {
    using T = typename std::remove_cvref_t<decltype(x)>::value_type;
    const auto is_far = abs(x) > like(x, 2 * std::numeric_limits<T>::max_exponent10);
    const auto y = exp(choose(is_far, x * 0.5, x));
    return choose(is_far, y * y, y);
  }
  auto gradient(const auto& gy, const auto& y) const { return gy * y; }
};

struct Log {
  static constexpr std::string_view name = "log";
  static constexpr Keeps keeps = Keeps::inputs;
  // xsimd 8.1's is wrong for subnormal doubles, so these are lifted by 2^54.
  auto value(const auto& x) const {
    using T = typename std::remove_cvref_t<decltype(x)>::value_type;
    const auto is_small = x < like(x, std::numeric_limits<T>::min());
    return log(choose(is_small, x * like(x, 0x1p54), x)) -
           choose(is_small, like(x, 54 * std::numbers::ln2), 0);
  }
  auto gradient(const auto& gy, const auto& x) const { return gy / x; }
};

struct Expm1 {
  static constexpr std::string_view name = "expm1";
  static constexpr Keeps keeps = Keeps::output;
  // xsimd 8.1's is infinite too soon, where the 1 no longer counts, and makes +0 of -0.
  auto value(const auto& x) const { return choose(x > 64, Exp{}.value(x), choose(x == 0, x, expm1(x))); }
  auto gradient(const auto& gy, const auto& y) const { return gy * (y + 1); }
};

struct Log1p {
  static constexpr std::string_view name = "log1p";
  static constexpr Keeps keeps = Keeps::inputs;
  // xsimd 8.1's makes +0 of -0.
  auto value(const auto& x) const { return choose(x == 0, x, log1p(x)); }
  auto gradient(const auto& gy, const auto& x) const { return gy / (x + 1); }
};

struct Sqrt {
  static constexpr std::string_view name = "sqrt";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const { return sqrt(x); }
  auto gradient(const auto& gy, const auto& y) const { return gy / (2 * y); }
};

struct Rsqrt {
  static constexpr std::string_view name = "rsqrt";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const { return 1 / sqrt(x); }
  auto gradient(const auto& gy, const auto& y) const { return gy * (y * y * y * -0.5); }
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

struct Erf {
  static constexpr std::string_view name = "erf";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const {
    return lanewise_in_double(
        [](const auto& v) {
          using std::erf;
          return erf(v);
        },
        x);
  }
  auto gradient(const auto& gy, const auto& x) const {
    return gy * (apply_rule(Exp{}, negated(x * x)) * like(x, 2 * std::numbers::inv_sqrtpi));
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

using Math =
    RuleTable<Exp, Expm1, Log, Log1p, Sqrt, Rsqrt, Square, Absolute, Erf, Pow, PowScalar, RpowScalar>;
template <class Rule>
requires(Math::has<Rule>) Math table_of(const Rule& rule);

}  // namespace fathom::ops::rules

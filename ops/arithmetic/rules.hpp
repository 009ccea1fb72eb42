// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

struct Add {
  static constexpr std::string_view name = "add";
  static constexpr Keeps keeps = Keeps::nothing;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& a, const auto& b) const { return a + b; }
  const auto& gradient_a(const auto& gy) const { return gy; }
  const auto& gradient_b(const auto& gy) const { return gy; }
};

struct Sub {
  static constexpr std::string_view name = "sub";
  static constexpr Keeps keeps = Keeps::nothing;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& a, const auto& b) const { return a - b; }
  const auto& gradient_a(const auto& gy) const { return gy; }
  auto gradient_b(const auto& gy) const { return negated(gy); }
};

struct Mul {
  static constexpr std::string_view name = "mul";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& a, const auto& b) const { return a * b; }
  auto gradient_a(const auto& gy, const auto& /*a*/, const auto& b) const { return gy * b; }
  auto gradient_b(const auto& gy, const auto& a, const auto& /*b*/) const { return gy * a; }
};

struct Div {
  static constexpr std::string_view name = "div";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& a, const auto& b) const { return a / b; }
  auto gradient_a(const auto& gy, const auto& /*a*/, const auto& b) const { return gy / b; }
  // Not a / (b * b), which overflows sooner.
  auto gradient_b(const auto& gy, const auto& a, const auto& b) const { return negated(gy) / b * a / b; }
};

struct Neg {
  static constexpr std::string_view name = "neg";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(const auto& x) const { return negated(x); }
  auto gradient(const auto& gy) const { return negated(gy); }
};

struct AddScalar : WithNumber {
  static constexpr std::string_view name = "add_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(const auto& x) const { return x + like(x, number); }
  const auto& gradient(const auto& gy) const { return gy; }
};

struct SubScalar : WithNumber {
  static constexpr std::string_view name = "sub_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(const auto& x) const { return x - like(x, number); }
  const auto& gradient(const auto& gy) const { return gy; }
};

struct RsubScalar : WithNumber {
  static constexpr std::string_view name = "rsub_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(const auto& x) const { return like(x, number) - x; }
  auto gradient(const auto& gy) const { return negated(gy); }
};

struct MulScalar : WithNumber {
  static constexpr std::string_view name = "mul_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(const auto& x) const { return x * like(x, number); }
  auto gradient(const auto& gy) const { return gy * like(gy, number); }
};

struct DivScalar : WithNumber {
  static constexpr std::string_view name = "div_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(const auto& x) const { return x / like(x, number); }
  auto gradient(const auto& gy) const { return gy / like(gy, number); }
};

struct RdivScalar : WithNumber {
  static constexpr std::string_view name = "rdiv_scalar";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return like(x, number) / x; }
  auto gradient(const auto& gy, const auto& x) const { return negated(gy) / x * like(x, number) / x; }
};

using Arithmetic =
    RuleTable<Add, Sub, Mul, Div, Neg, AddScalar, SubScalar, RsubScalar, MulScalar, DivScalar, RdivScalar>;
template <class Rule>
requires(Arithmetic::has<Rule>) Arithmetic table_of(const Rule& rule);

}  // namespace fathom::ops::rules

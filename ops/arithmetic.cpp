// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/arithmetic.hpp>

#include <fmt/format.h>

#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using detail::Constant;
using detail::elementwise;
using detail::Keeps;

namespace {

struct Add {
  static constexpr std::string_view name = "add";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(auto a, auto b) const { return a + b; }
  const auto& gradient_a(const auto& gy) const { return gy; }
  const auto& gradient_b(const auto& gy) const { return gy; }
};

struct Sub {
  static constexpr std::string_view name = "sub";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(auto a, auto b) const { return a - b; }
  const auto& gradient_a(const auto& gy) const { return gy; }
  auto gradient_b(const auto& gy) const { return -gy; }
};

struct Mul {
  static constexpr std::string_view name = "mul";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(auto a, auto b) const { return a * b; }
  auto gradient_a(const auto& gy, const auto& /*a*/, const auto& b) const { return gy * b; }
  auto gradient_b(const auto& gy, const auto& a, const auto& /*b*/) const { return gy * a; }
};

struct Div {
  static constexpr std::string_view name = "div";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(auto a, auto b) const { return a / b; }
  auto gradient_a(const auto& gy, const auto& /*a*/, const auto& b) const { return gy / b; }
  // Not a / (b * b), which overflows sooner.
  auto gradient_b(const auto& gy, const auto& a, const auto& b) const { return -gy / b * a / b; }
};

struct Neg {
  static constexpr std::string_view name = "neg";
  static constexpr Keeps keeps = Keeps::nothing;
  auto value(auto x) const { return -x; }
  auto gradient(const auto& gy) const { return -gy; }
};

/// What the ops with a number share; it is rounded to x's dtype already.
struct WithNumber {
  double number;
  template <class V>
  [[nodiscard]] Constant<V> as() const {
    return static_cast<Constant<V>>(number);
  }
  [[nodiscard]] Attributes attributes() const { return {{"value", fmt::format("{}", number)}}; }
};

struct AddScalar : WithNumber {
  static constexpr std::string_view name = "add_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  template <class T>
  T value(T x) const {
    return x + as<T>();
  }
  const auto& gradient(const auto& gy) const { return gy; }
};

struct SubScalar : WithNumber {
  static constexpr std::string_view name = "sub_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  template <class T>
  T value(T x) const {
    return x - as<T>();
  }
  const auto& gradient(const auto& gy) const { return gy; }
};

struct RsubScalar : WithNumber {
  static constexpr std::string_view name = "rsub_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  template <class T>
  T value(T x) const {
    return as<T>() - x;
  }
  auto gradient(const auto& gy) const { return -gy; }
};

struct MulScalar : WithNumber {
  static constexpr std::string_view name = "mul_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  template <class T>
  T value(T x) const {
    return x * as<T>();
  }
  template <class V>
  V gradient(const V& gy) const {
    return gy * as<V>();
  }
};

struct DivScalar : WithNumber {
  static constexpr std::string_view name = "div_scalar";
  static constexpr Keeps keeps = Keeps::nothing;
  template <class T>
  T value(T x) const {
    return x / as<T>();
  }
  template <class V>
  V gradient(const V& gy) const {
    return gy / as<V>();
  }
};

struct RdivScalar : WithNumber {
  static constexpr std::string_view name = "rdiv_scalar";
  static constexpr Keeps keeps = Keeps::inputs;
  template <class T>
  T value(T x) const {
    return as<T>() / x;
  }
  template <class V>
  V gradient(const V& gy, const V& x) const {
    return -gy / x * as<V>() / x;
  }
};

template <class Rule>
Variable with_number(const Variable& x, double value) {
  detail::check_defined(Rule::name, x);
  const double rounded = x.dtype() == DType::float32 ? static_cast<double>(static_cast<float>(value)) : value;
  return elementwise(x, Rule{{rounded}});
}

}  // namespace

Variable add(const Variable& a, const Variable& b) { return elementwise<Add>(a, b); }
Variable sub(const Variable& a, const Variable& b) { return elementwise<Sub>(a, b); }
Variable mul(const Variable& a, const Variable& b) { return elementwise<Mul>(a, b); }
Variable div(const Variable& a, const Variable& b) { return elementwise<Div>(a, b); }
Variable neg(const Variable& x) { return elementwise<Neg>(x); }

Variable add_scalar(const Variable& x, double value) { return with_number<AddScalar>(x, value); }
Variable sub_scalar(const Variable& x, double value) { return with_number<SubScalar>(x, value); }
Variable rsub_scalar(const Variable& x, double value) { return with_number<RsubScalar>(x, value); }
Variable mul_scalar(const Variable& x, double value) { return with_number<MulScalar>(x, value); }
Variable div_scalar(const Variable& x, double value) { return with_number<DivScalar>(x, value); }
Variable rdiv_scalar(const Variable& x, double value) { return with_number<RdivScalar>(x, value); }

}  // namespace fathom::ops

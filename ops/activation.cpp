// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/activation.hpp>

#include <cmath>

#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using detail::elementwise;
using detail::Keeps;
using detail::locally_constant;

namespace {

constexpr auto is_positive = [](auto x) { return static_cast<decltype(x)>(x > 0); };

struct Relu {
  static constexpr std::string_view name = "relu";
  static constexpr Keeps keeps = Keeps::output;
  template <class T>
  T value(T x) const {
    return x <= 0 ? T{0} : x;
  }
  auto gradient(const auto& gy, const auto& y) const { return gy * locally_constant(y, is_positive); }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr Keeps keeps = Keeps::output;
  template <class T>
  T value(T x) const {
    const T decay = std::exp(-std::abs(x));
    return (x < 0 ? decay : T{1}) / (1 + decay);
  }
  auto gradient(const auto& gy, const auto& y) const { return gy * y * (1 - y); }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  static constexpr Keeps keeps = Keeps::output;
  auto value(auto x) const { return std::tanh(x); }
  auto gradient(const auto& gy, const auto& y) const { return gy * (1 - y * y); }
};

}  // namespace

Variable relu(const Variable& x) { return elementwise<Relu>(x); }
Variable sigmoid(const Variable& x) { return elementwise<Sigmoid>(x); }
Variable tanh(const Variable& x) { return elementwise<Tanh>(x); }

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

struct Relu {
  static constexpr std::string_view name = "relu";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const { return choose(x <= 0, 0, x); }
  auto gradient(const auto& gy, const auto& y) const {
    return gy * locally_constant([](const auto& v) { return choose(v > 0, 1, 0); }, y);
  }
};

struct ClippedRelu {
  static constexpr std::string_view name = "clipped_relu";
  static constexpr Keeps keeps = Keeps::output;
  double z;
  auto options() const { return Options{Option{"z", z}}; }
  auto value(const auto& x) const { return choose(x <= 0, 0, choose(x >= like(x, z), like(x, z), x)); }
  auto gradient(const auto& gy, const auto& y) const {
    return gy * locally_constant([this](const auto& v) { return choose(v > 0 && v < like(v, z), 1, 0); }, y);
  }
};

struct Relu6 : ClippedRelu {
  static constexpr std::string_view name = "relu6";
};

struct LeakyRelu {
  static constexpr std::string_view name = "leaky_relu";
  static constexpr Keeps keeps = Keeps::inputs;
  double slope;
  auto options() const { return Options{Option{"slope", slope}}; }
  auto value(const auto& x) const { return choose(x > 0, x, x * like(x, slope)); }
  auto gradient(const auto& gy, const auto& x) const {
    return gy * locally_constant([this](const auto& v) { return choose(v > 0, 1, like(v, slope)); }, x);
  }
};

struct HardSigmoid {
  static constexpr std::string_view name = "hard_sigmoid";
  static constexpr Keeps keeps = Keeps::output;
  double slope;
  auto options() const { return Options{Option{"slope", slope}}; }
  auto value(const auto& x) const {
    const auto y = x * like(x, slope) + 0.5;
    return choose(y <= 0, 0, choose(y >= 1, 1, y));
  }
  auto gradient(const auto& gy, const auto& y) const {
    return gy *
           locally_constant([this](const auto& v) { return choose(v > 0 && v < 1, like(v, slope), 0); }, y);
  }
};

struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const {
    const auto decay = exp(-abs(x));
    return choose(x < 0, decay, 1) / (1 + decay);
  }
  auto gradient(const auto& gy, const auto& y) const { return gy * y * (1 - y); }
};

struct Tanh {
  static constexpr std::string_view name = "tanh";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const { return tanh(x); }
  auto gradient(const auto& gy, const auto& y) const { return gy * (1 - y * y); }
};

using Activations = RuleTable<Relu, Relu6, ClippedRelu, LeakyRelu, Sigmoid, HardSigmoid, Tanh>;
template <class Rule>
requires(Activations::has<Rule>) Activations table_of(const Rule& rule);

}  // namespace fathom::ops::rules

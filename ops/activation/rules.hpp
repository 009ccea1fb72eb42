// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <numbers>

#include <fathom/ops/extrema/rules.hpp>
#include <fathom/ops/math/rules.hpp>
#include <fathom/ops/rules/kernels.hpp>

namespace fathom::ops::rules {

struct Relu {
  static constexpr std::string_view name = "relu";
  static constexpr Keeps keeps = Keeps::output;
  auto value(const auto& x) const { return choose(x <= 0, 0, x); }
  auto gradient(const auto& gy, const auto& y) const {
    return gy * locally_constant([](const auto& v) { return choose(v > 0, like(v, 1), 0); }, y);
  }
};

struct ClippedRelu {
  static constexpr std::string_view name = "clipped_relu";
  static constexpr Keeps keeps = Keeps::output;
  double z;
  auto options() const { return Options{Option{"z", z}}; }
  auto value(const auto& x) const { return choose(x <= 0, 0, choose(x >= like(x, z), like(x, z), x)); }
  auto gradient(const auto& gy, const auto& y) const {
    return gy * locally_constant(
                    [this](const auto& v) { return choose(v > 0 && v < like(v, z), like(v, 1), 0); }, y);
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
    return gy * locally_constant([this](const auto& v) { return choose(v <= 0, like(v, slope), 1); }, x);
  }
};

struct PRelu {
  static constexpr std::string_view name = "prelu";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& x, const auto& W) const { return choose(x >= 0, x, x * W); }
  auto gradient_a(const auto& gy, const auto& x, const auto& W) const {
    return gy * (locally_constant([](const auto& v) { return choose(v >= 0, 1, 0); }, x) +
                 zero_unless(is_stretched, x, W));
  }
  auto gradient_b(const auto& gy, const auto& x, const auto& /*W*/) const {
    return gy * zero_unless(is_stretched, x, x);
  }

 private:
  static constexpr auto is_stretched = [](const auto& v) { return choose(v >= 0, 0, 1); };
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

struct HardSwish {
  static constexpr std::string_view name = "hard_swish";
  static constexpr Keeps keeps = Keeps::inputs;
  // The gate is divided, not the product, so that it is x itself from 3 on, however large.
  auto value(const auto& x) const { return x * (Relu6{6}.value(x + 3) / 6); }
  auto gradient(const auto& gy, const auto& x) const {
    const auto is_inside = [](const auto& v) { return choose(v > 0 && v < 6, 1, 0); };
    const auto gate = apply_rule(Relu6{6}, x + 3);
    return gy * ((gate + zero_unless(is_inside, gate, x)) / 6);
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

struct Elu {
  static constexpr std::string_view name = "elu";
  static constexpr Keeps keeps = Keeps::inputs;
  double alpha;
  auto options() const { return Options{Option{"alpha", alpha}}; }
  auto value(const auto& x) const { return choose(x > 0, x, Expm1{}.value(x) * like(x, alpha)); }
  auto gradient(const auto& gy, const auto& x) const {
    const auto factor = [this](const auto& v) { return choose(v > 0, 1, like(v, alpha)); };
    // exp of min(x, 0): exp(x) overflows where it does not count.
    const auto is_bent = [](const auto& v) { return choose(v > 0, 0, 1); };
    return gy * (locally_constant(factor, x) * apply_rule(Exp{}, zero_unless(is_bent, x, x)));
  }
};

struct Selu {
  static constexpr std::string_view name = "selu";
  static constexpr Keeps keeps = Keeps::inputs;
  double alpha, scale;
  auto options() const { return Options{Option{"alpha", alpha}, Option{"scale", scale}}; }
  auto value(const auto& x) const { return Elu{alpha}.value(x) * like(x, scale); }
  auto gradient(const auto& gy, const auto& x) const { return Elu{alpha}.gradient(gy, x) * like(gy, scale); }
};

struct Softplus {
  static constexpr std::string_view name = "softplus";
  static constexpr Keeps keeps = Keeps::inputs;
  double beta;
  auto options() const { return Options{Option{"beta", beta}}; }
  auto value(const auto& x) const {
    const auto z = x * like(x, beta);
    return (choose(z > 0, z, 0) + log1p(exp(-abs(z)))) / like(x, beta);
  }
  auto gradient(const auto& gy, const auto& x) const { return gy * apply_rule(Sigmoid{}, x * like(x, beta)); }
};

struct Swish {
  static constexpr std::string_view name = "swish";
  static constexpr Keeps keeps = Keeps::inputs;
  static constexpr std::size_t inputs = 2;
  auto value(const auto& x, const auto& beta) const { return x * Sigmoid{}.value(x * beta); }
  auto gradient_a(const auto& gy, const auto& x, const auto& beta) const {
    const auto z = x * beta;
    const auto gate = apply_rule(Sigmoid{}, z);
    return gy * (gate * (1 + z * (1 - gate)));
  }
  // Not x * x, which overflows where one of the gates is 0.
  auto gradient_b(const auto& gy, const auto& x, const auto& beta) const {
    const auto gate = apply_rule(Sigmoid{}, x * beta);
    return gy * (x * gate * (x * (1 - gate)));
  }
};

/// x gate(x), where the gate is a rule itself, from 0 for small x to 1 for large x.
template <class Gate>
struct Gated {
  static constexpr std::string_view name = Gate::gated;
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const { return x * Gate{}.value(x); }
  [[gnu::always_inline]] auto gradient(const auto& gy, const auto& x) const {
    return gy * (apply_rule(Gate{}, x) + Gate{}.gradient(x, x));
  }
};

/// tanh(softplus(x)).
struct MishGate {
  static constexpr std::string_view name = "mish_gate", gated = "mish";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const {
    const auto decay = exp(-abs(x));
    const auto part = choose(x < 0, decay * (decay + 2), decay * 2 + 1);
    return part / (part + choose(x < 0, 2, decay * decay * 2));
  }
  auto gradient(const auto& gy, const auto& x) const {
    const auto gate = apply_rule(MishGate{}, x);
    return gy * ((1 - gate * gate) * apply_rule(Sigmoid{}, x));
  }
};
using Mish = Gated<MishGate>;

/// The share of a standard normal distribution that lies below x.
struct NormalGate {
  static constexpr std::string_view name = "gelu_gate", gated = "gelu";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const {
    const auto complement = [](const auto& v) {
      using std::erfc;
      return erfc(v);
    };
    return lanewise_in_double(complement, x * like(x, -std::numbers::sqrt2 / 2)) * 0.5;
  }
  auto gradient(const auto& gy, const auto& x) const {
    return gy * (apply_rule(Exp{}, x * x * -0.5) * like(x, std::numbers::inv_sqrtpi / std::numbers::sqrt2));
  }
};
using Gelu = Gated<NormalGate>;

/// The same approximated: (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
struct TanhGate {
  static constexpr std::string_view name = "gelu_tanh_gate", gated = "gelu_tanh";
  static constexpr Keeps keeps = Keeps::inputs;
  auto value(const auto& x) const {
    const auto t = bounded(x);
    return apply_rule(Sigmoid{}, t * (t * t * like(x, kBend) + like(x, kSlope)));
  }
  auto gradient(const auto& gy, const auto& x) const {
    const auto t = bounded(x);
    const auto gate = apply_rule(TanhGate{}, x);
    return gy * ((t * t * like(x, 3 * kBend) + like(x, kSlope)) * (gate * (1 - gate)));
  }

 private:
  static constexpr double kSlope = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  static constexpr double kBend = 0.044715 * kSlope;
  // Beyond these bounds the gate is 0 or 1, and powers of x may overflow.
  static auto bounded(const auto& x) { return apply_rule(Clip{-100, 100}, x); }
};
using TanhGelu = Gated<TanhGate>;

using Activations =
    RuleTable<Relu, Relu6, ClippedRelu, LeakyRelu, PRelu, HardSigmoid, HardSwish, Sigmoid, Tanh, Elu, Selu,
              Softplus, Swish, MishGate, Mish, NormalGate, Gelu, TanhGate, TanhGelu>;
template <class Rule>
requires(Activations::has<Rule>) Activations table_of(const Rule& rule);

}  // namespace fathom::ops::rules

// SPDX-License-Identifier: BSD-3-Clause
#include <support/elementwise_table.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/extrema.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/regression_loss.hpp>
#include <fathom/ops/shape.hpp>
#include <fathom/ops/trigonometry.hpp>

namespace fathom::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// An op whose second array has a value for each column of the first.
auto as_columns(Variable (*op)(const Variable&, const Variable&)) {
  return [op](const Variable& a, const Variable& b) {
    return ops::reshape(op(ops::reshape(a, {1, a.size()}), b), {a.size()});
  };
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<Elementwise> activations_and_numbers() {
  using In = const Variable&;
  const auto zero_at_nan = [](bool inside) { return inside ? 1.0 : 0.0; };
  return {
      {"relu", [](In x, In) { return ops::relu(x); },
       [](double x, double) { return x > 0    ? x
                                     : x <= 0 ? 0
                                              : x; },
       [=](double x, double) { return zero_at_nan(x > 0); }},
      {"relu6", [](In x, In) { return ops::relu6(x); },
       [](double x, double) { return x <= 0   ? 0
                                     : x >= 6 ? 6
                                              : x; },
       [=](double x, double) { return zero_at_nan(x > 0 && x < 6); }},
      {"clipped_relu", [](In x, In) { return ops::clipped_relu(x, 1.5); },
       [](double x, double) { return x <= 0     ? 0
                                     : x >= 1.5 ? 1.5
                                                : x; },
       [=](double x, double) { return zero_at_nan(x > 0 && x < 1.5); }},
      {"leaky_relu", [](In x, In) { return ops::leaky_relu(x, 0.25); },
       [](double x, double) { return x > 0 ? x : 0.25 * x; },
       [](double x, double) { return x <= 0 ? 0.25 : 1; }},
      {"sigmoid", [](In x, In) { return ops::sigmoid(x); }, [](double x, double) { return logistic(x); },
       [](double x, double) { return logistic(x) * logistic(-x); }},
      {"hard_sigmoid", [](In x, In) { return ops::hard_sigmoid(x, 0.25); },
       [](double x, double) { return x <= -2  ? 0
                                     : x >= 2 ? 1
                                              : 0.25 * x + 0.5; },
       [](double x, double) { return x > -2 && x < 2 ? 0.25 : 0; }},
      {"tanh", [](In x, In) { return ops::tanh(x); }, [](double x, double) { return std::tanh(x); },
       [](double x, double) { return 1 - std::tanh(x) * std::tanh(x); }},
      {"exp", [](In x, In) { return ops::exp(x); }, [](double x, double) { return std::exp(x); },
       [](double x, double) { return std::exp(x); }},
      {"log", [](In x, In) { return ops::log(x); }, [](double x, double) { return std::log(x); },
       [](double x, double) { return 1 / x; }},
      {"sqrt", [](In x, In) { return ops::sqrt(x); }, [](double x, double) { return std::sqrt(x); },
       [](double x, double) { return 0.5 / std::sqrt(x); }},
      {"square", [](In x, In) { return ops::square(x); }, [](double x, double) { return x * x; },
       [](double x, double) { return 2 * x; }},
      {"absolute", [](In x, In) { return ops::absolute(x); }, [](double x, double) { return std::abs(x); },
       [](double x, double) { return x > 0   ? 1
                                     : x < 0 ? -1
                                             : x; }},
      {"pow_scalar", [](In x, In) { return ops::pow_scalar(x, 2.5); },
       [](double x, double) { return std::pow(x, 2.5); },
       [](double x, double) { return 2.5 * std::pow(x, 1.5); }},
      {"rpow_scalar", [](In x, In) { return ops::rpow_scalar(x, 1.5); },
       [](double x, double) { return std::pow(1.5, x); },
       [](double x, double) { return std::pow(1.5, x) * std::log(1.5); }},
      {"maximum_scalar", [](In x, In) { return ops::maximum_scalar(x, 0.5); },
       [](double x, double) { return x < 0.5 ? 0.5 : x; },
       [=](double x, double) { return zero_at_nan(x >= 0.5); }},
      {"minimum_scalar", [](In x, In) { return ops::minimum_scalar(x, 0.5); },
       [](double x, double) { return x > 0.5 ? 0.5 : x; },
       [=](double x, double) { return zero_at_nan(x <= 0.5); }},
      {"clip", [](In x, In) { return ops::clip(x, -1.5, 0.5); },
       [](double x, double) { return x < -1.5  ? -1.5
                                     : x > 0.5 ? 0.5
                                               : x; },
       [=](double x, double) { return zero_at_nan(x >= -1.5 && x <= 0.5); }},
      {"neg", [](In x, In) { return ops::neg(x); }, [](double x, double) { return -x; },
       [](double, double) { return -1; }},
      {"add_scalar", [](In x, In) { return x + 1.5; }, [](double x, double) { return x + 1.5; },
       [](double, double) { return 1; }},
      {"sub_scalar", [](In x, In) { return x - 1.5; }, [](double x, double) { return x - 1.5; },
       [](double, double) { return 1; }},
      {"rsub_scalar", [](In x, In) { return 1.5 - x; }, [](double x, double) { return 1.5 - x; },
       [](double, double) { return -1; }},
      {"mul_scalar", [](In x, In) { return x * 1.5; }, [](double x, double) { return x * 1.5; },
       [](double, double) { return 1.5; }},
      {"div_scalar", [](In x, In) { return x / 1.5; }, [](double x, double) { return x / 1.5; },
       [](double, double) { return 1 / 1.5; }},
      {"rdiv_scalar", [](In x, In) { return 1.5 / x; }, [](double x, double) { return 1.5 / x; },
       [](double x, double) { return -1.5 / x / x; }},
  };
}

std::vector<Elementwise> functions() {
  using In = const Variable&;
  return {
      {"expm1", [](In x, In) { return ops::expm1(x); }, [](double x, double) { return std::expm1(x); },
       [](double x, double) { return std::exp(x); }},
      {"log1p", [](In x, In) { return ops::log1p(x); }, [](double x, double) { return std::log1p(x); },
       [](double x, double) { return 1 / (1 + x); }},
      {"rsqrt", [](In x, In) { return ops::rsqrt(x); }, [](double x, double) { return 1 / std::sqrt(x); },
       [](double x, double) { return -0.5 * std::pow(1 / std::sqrt(x), 3); }},
      {"erf", [](In x, In) { return ops::erf(x); }, [](double x, double) { return std::erf(x); },
       [](double x, double) { return 2 * std::numbers::inv_sqrtpi * std::exp(-x * x); }},
      {"sin", [](In x, In) { return ops::sin(x); }, [](double x, double) { return std::sin(x); },
       [](double x, double) { return std::cos(x); }},
      {"cos", [](In x, In) { return ops::cos(x); }, [](double x, double) { return std::cos(x); },
       [](double x, double) { return -std::sin(x); }},
      {"tan", [](In x, In) { return ops::tan(x); }, [](double x, double) { return std::tan(x); },
       [](double x, double) { return 1 + std::tan(x) * std::tan(x); }},
      {"arctan", [](In x, In) { return ops::arctan(x); }, [](double x, double) { return std::atan(x); },
       [](double x, double) { return 1 / (1 + x * x); }},
      {"sinh", [](In x, In) { return ops::sinh(x); }, [](double x, double) { return std::sinh(x); },
       [](double x, double) { return std::cosh(x); }},
      {"cosh", [](In x, In) { return ops::cosh(x); }, [](double x, double) { return std::cosh(x); },
       [](double x, double) { return std::sinh(x); }},
  };
}

Elementwise huber_loss() {
  const auto slope = [](double d) { return d < -1.5 ? -1.5 : d > 1.5 ? 1.5 : d; };
  return {"huber_loss",
          [](const Variable& x, const Variable&) {
            const Variable zeros(Array::zeros(x.shape(), x.dtype()));
            return ops::huber_loss(x, zeros, {.delta = 1.5, .reduce = ops::Reduce::no});
          },
          [=](double x, double) { return slope(x) * (x - slope(x) / 2); },
          [=](double x, double) { return slope(x); }};
}

std::vector<Elementwise> gated_units() {
  using In = const Variable&;
  const auto mish_gate = [](double x) { return std::tanh(std::log1p(std::exp(x))); };
  const auto normal = [](double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; };
  const auto density = [](double x) {
    return std::exp(-x * x / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  };
  constexpr double slope = 1.5957691216057308;  // 2 sqrt(2 / pi)
  const auto tanh_gate = [=](double x) { return logistic(slope * (x + 0.044715 * x * x * x)); };
  const auto tanh_slope = [=](double x) {
    const double gate = tanh_gate(x);
    return std::abs(x) > 100 ? 0 : gate * (1 - gate) * slope * (1 + 3 * 0.044715 * x * x);
  };
  return {
      {"elu", [](In x, In) { return ops::elu(x, 0.5); },
       [](double x, double) { return x > 0 ? x : 0.5 * std::expm1(x); },
       [](double x, double) { return x > 0 ? 1 : 0.5 * std::exp(x); }},
      {"selu", [](In x, In) { return ops::selu(x, 0.5, 1.25); },
       [](double x, double) { return 1.25 * (x > 0 ? x : 0.5 * std::expm1(x)); },
       [](double x, double) { return 1.25 * (x > 0 ? 1 : 0.5 * std::exp(x)); }},
      {"softplus", [](In x, In) { return ops::softplus(x, 2); },
       [](double x, double) { return (std::fmax(2 * x, 0) + std::log1p(std::exp(-std::abs(2 * x)))) / 2; },
       [](double x, double) { return logistic(2 * x); }},
      {"hard_swish", [](In x, In) { return ops::hard_swish(x); },
       [](double x, double) {
         return x * (x <= -3 ? 0 : x >= 3 ? 6 : x + 3) / 6;
       },
       [](double x, double) { return x <= -3  ? 0
                                     : x >= 3 ? 1
                                              : (2 * x + 3) / 6; }},
      {"mish",
       [](In x, In) { return ops::mish(x); },
       [=](double x, double) { return x * mish_gate(x); },
       [=](double x, double) {
         const double gate = mish_gate(x);
         return gate + x * (1 - gate * gate) * logistic(x);
       },
       {},
       [](double x, double) { return std::abs(x); }},
      {"gelu",
       [](In x, In) { return ops::gelu(x); },
       [=](double x, double) { return x * normal(x); },
       [=](double x, double) { return normal(x) + x * density(x); },
       {},
       [](double x, double) { return x * x; }},
      {"gelu_tanh",
       [](In x, In) { return ops::gelu(x, ops::GeluForm::tanh); },
       [=](double x, double) { return x * tanh_gate(x); },
       [=](double x, double) { return tanh_gate(x) + x * tanh_slope(x); },
       {},
       [](double x, double) { return std::abs(x * x * x); }},
  };
}

std::vector<Elementwise> binary_ops() {
  const auto mask = [](bool holds) { return holds ? 1.0 : 0.0; };
  return {
      {"add", ops::add, [](double a, double b) { return a + b; }, [](double, double) { return 1; },
       [](double, double) { return 1; }},
      {"sub", ops::sub, [](double a, double b) { return a - b; }, [](double, double) { return 1; },
       [](double, double) { return -1; }},
      {"mul", ops::mul, [](double a, double b) { return a * b; }, [](double, double b) { return b; },
       [](double a, double) { return a; }},
      {"div", ops::div, [](double a, double b) { return a / b; }, [](double, double b) { return 1 / b; },
       [](double a, double b) { return -1 / b * a / b; }},
      {"pow", ops::pow, [](double a, double b) { return std::pow(a, b); },
       [](double a, double b) { return b * std::pow(a, b - 1); },
       [](double a, double b) { return std::log(a) * std::pow(a, b); }},
      {"swish", as_columns(ops::swish), [](double x, double beta) { return x * logistic(x * beta); },
       [](double x, double beta) {
         const double gate = logistic(x * beta);
         return gate * (1 + x * beta * (1 - gate));
       },
       [](double x, double beta) {
         const double gate = logistic(x * beta);
         return x * gate * (x * (1 - gate));
       },
       [](double x, double beta) { return std::max(std::abs(x * beta), x * x); }},
      {"prelu", as_columns(ops::prelu), [](double x, double W) { return x >= 0 ? x : x * W; },
       [](double x, double W) { return x >= 0 ? 1 : W; }, [](double x, double) { return x >= 0 ? 0 : x; }},
      {"maximum", ops::maximum,
       [](double a, double b) { return std::isnan(a) || std::isnan(b) ? kNan : std::max(a, b); },
       [=](double a, double b) { return mask(a >= b); }, [=](double a, double b) { return mask(!(a >= b)); }},
      {"minimum", ops::minimum,
       [](double a, double b) { return std::isnan(a) || std::isnan(b) ? kNan : std::min(a, b); },
       [=](double a, double b) { return mask(a <= b); }, [=](double a, double b) { return mask(!(a <= b)); }},
  };
}

}  // namespace

std::vector<Elementwise> elementwise_table() {
  std::vector<Elementwise> result{huber_loss()};
  for (const auto& part : {activations_and_numbers(), functions(), gated_units(), binary_ops()}) {
    result.insert(result.end(), part.begin(), part.end());
  }
  return result;
}

}  // namespace fathom::test

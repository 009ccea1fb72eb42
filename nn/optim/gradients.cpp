// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/gradients.hpp>

#include <fmt/format.h>

#include <cmath>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/nn/optim/checks/options.hpp>

namespace fathom::nn {
namespace {

/// Calls `body(parameter, its gradient)` where there is both.
template <class Body>
void for_each_gradient(std::span<const Variable> parameters, Body body) {
  for (const Variable& parameter : parameters) {
    if (!parameter.defined()) continue;
    const Variable gradient = parameter.grad();
    if (gradient.defined()) body(parameter, gradient.data());
  }
}

/// g = f(g, p), element by element. A new array: the old one may be part of a graph, or the gradient of two
/// parameters.
template <class F>
void change(std::span<const Variable> parameters, F f) {
  for_each_gradient(parameters, [&](Variable parameter, const Array& gradient) {
    parameter.set_grad(Variable(zip("gradients", gradient, parameter.data(), f)));
  });
}

void check_rate(std::string_view op, double rate) {
  detail::require_not_negative(op, "rate", rate, "the rate pulls parameters towards 0; 0 changes nothing");
}

}  // namespace

double gradient_norm(std::span<const Variable> parameters) {
  double total = 0;
  for_each_gradient(parameters, [&](const Variable&, const Array& gradient) {
    const auto square = [](auto g) { return g * g; };
    total += sum(map("gradient_norm", gradient.astype(DType::float64), square)).item();
  });
  return std::sqrt(total);
}

double clip_gradient_norm(std::span<const Variable> parameters, double threshold) {
  detail::require_positive("clip_gradient_norm", "threshold", threshold,
                           "it is the largest norm allowed; leave the call out to clip nothing");
  const double norm = gradient_norm(parameters);
  if (norm > threshold) {
    change(parameters, [factor = threshold / norm]<class T>(T g, T) { return static_cast<T>(factor) * g; });
  }
  return norm;
}

void clip_gradient_value(std::span<const Variable> parameters, double low, double high) {
  ArgumentCheck check("clip_gradient_value");
  FATHOM_CHECK(check.hint("they are the least and the greatest value left, say -1 and 1"), low < high,
               ValueError, "low must be less than high (low is {}, high is {})", low, high);
  change(parameters, [low, high]<class T>(T g, T) {
    return g < static_cast<T>(low)    ? static_cast<T>(low)
           : g > static_cast<T>(high) ? static_cast<T>(high)
                                      : g;
  });
}

void add_weight_decay(std::span<const Variable> parameters, double rate) {
  check_rate("add_weight_decay", rate);
  change(parameters, [rate]<class T>(T g, T p) { return g + static_cast<T>(rate) * p; });
}

void add_lasso(std::span<const Variable> parameters, double rate) {
  check_rate("add_lasso", rate);
  change(parameters,
         [rate]<class T>(T g, T p) { return g + static_cast<T>(rate) * static_cast<T>((p > 0) - (p < 0)); });
}

}  // namespace fathom::nn

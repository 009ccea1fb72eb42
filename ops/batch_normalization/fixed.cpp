// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <cmath>

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/batch_normalization/layout.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {

namespace {

using namespace batch_norm;

/// 1 / sqrt(variance + eps)
class InverseRoot final : public Function {
 public:
  explicit InverseRoot(double eps) : eps_(eps) {}
  std::string_view name() const override { return "fixed_batch_normalization_inverse_root"; }

  Arrays forward(std::span<const Array> inputs) override {
    retain_output(0);
    return {
        from_channels(inverse_deviation(to_channels(inputs[0]), eps_), inputs[0].shape(), inputs[0].dtype())};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Variable s = output(0);
    return {s * s * s * gys[0] * -0.5};
  }

 private:
  double eps_;
};

class FixedBatchNormalization final : public Function {
 public:
  FixedBatchNormalization(Layout layout, double eps) : layout_(std::move(layout)), eps_(eps) {}
  std::string_view name() const override { return "fixed_batch_normalization"; }
  Attributes attributes() const override {
    return {{"eps", fmt::format("{}", eps_)}, {"axis", to_string(Shape(layout_.averaged))}};
  }

  Arrays forward(std::span<const Array> inputs) override {
    retain_inputs({0, 1, 3, 4});
    const Array& x = inputs[0];
    Array y = Array::empty(x.shape(), x.dtype());
    normalize(layout_.geometry, x, to_channels(inputs[3]),
              scale(to_channels(inputs[1]), to_channels(inputs[4])), to_channels(inputs[2]), y);
    return {std::move(y)};
  }

  Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    const Variable& gy = gys[0];
    const Variable x = input(0);
    const Variable s = apply<InverseRoot>({input(4)}, eps_);
    const Variable a = input(1) * s;
    Variables result(5);
    if (wanted[0]) result[0] = gy * reshape(a, layout_.wide);
    if (wanted[2] || wanted[3]) {
      const Variable gbeta = sum(gy, {.axis = layout_.averaged});
      if (wanted[2]) result[2] = gbeta;
      if (wanted[3]) result[3] = -(a * gbeta);
    }
    if (wanted[1] || wanted[4]) {
      const Variable moment = sum(gy * (x - reshape(input(3), layout_.wide)), {.axis = layout_.averaged});
      if (wanted[1]) result[1] = moment * s;
      if (wanted[4]) result[4] = moment * a * s * s * -0.5;
    }
    return result;
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    const Array& x = input_array(0);
    const Array& gy = gys[0];
    const PerChannel gamma = to_channels(input_array(1));
    const PerChannel mean = to_channels(input_array(3));
    const PerChannel variance = to_channels(input_array(4));
    if (wanted[1] || wanted[2] || wanted[3] || wanted[4]) {
      give_channels(wanted, gradient_sums(layout_.geometry, x, gy, mean), gamma, variance, into);
    }
    if (!wanted[0]) return;
    const PerChannel zeros(gamma.size(), 0.0);
    const bool accumulate = into[0].accumulates();
    input_gradient(layout_.geometry, x, gy, zeros, scale(gamma, variance), zeros, zeros, accumulate,
                   into[0].buffer());
  }

 private:
  [[nodiscard]] PerChannel scale(const PerChannel& gamma, const PerChannel& variance) const {
    PerChannel result = inverse_deviation(variance, eps_);
    for (std::size_t c = 0; c < result.size(); ++c) result[c] *= gamma[c];
    return result;
  }

  void give_channels(const Wanted& wanted, const GradientSums& sums, const PerChannel& gamma,
                     const PerChannel& variance, std::span<GradientSink> into) const {
    const PerChannel s = inverse_deviation(variance, eps_);
    const auto give = [&](std::size_t input, auto f) {
      if (!wanted[input]) return;
      PerChannel values(s.size());
      for (std::size_t c = 0; c < s.size(); ++c) values[c] = f(c);
      into[input].give(from_channels(values, layout_.channels, input_array(1).dtype()));
    };
    give(1, [&](std::size_t c) { return sums.gy_x[c] * s[c]; });
    give(2, [&](std::size_t c) { return sums.gy[c]; });
    give(3, [&](std::size_t c) { return -gamma[c] * s[c] * sums.gy[c]; });
    give(4, [&](std::size_t c) { return -0.5 * sums.gy_x[c] * gamma[c] * s[c] * s[c] * s[c]; });
  }

  Layout layout_;
  double eps_;
};

}  // namespace

Variable fixed_batch_normalization(const Variable& x, const Variable& gamma, const Variable& beta,
                                   const Variable& mean, const Variable& variance,
                                   const FixedBatchNormalizationOptions& options) {
  const Array& x_array = detail::array_or_undefined(x);
  const std::string_view channels = channel_axis_names(options.axis);
  ArgumentCheck check("fixed_batch_normalization");
  check.argument("x", x_array, axis_names(x_array, options.axis))
      .argument("gamma", detail::array_or_undefined(gamma), channels)
      .argument("beta", detail::array_or_undefined(beta), channels)
      .argument("mean", detail::array_or_undefined(mean), channels)
      .argument("variance", detail::array_or_undefined(variance), channels);
  const Plan plan = check_plan(check, x_array, options.axis);
  for (const std::string_view name : {"gamma", "beta", "mean", "variance"}) check_channels(check, name, plan);
  check_eps(check, options.eps);
  return plan.run(x, [&](const Variable& together, const Layout& layout) {
    return apply<FixedBatchNormalization>({together, gamma, beta, mean, variance}, layout, options.eps);
  });
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/elementwise.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/batch_normalization/node.hpp>
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
    const Statistics s = statistics_of({}, to_channels(inputs[0]), eps_);
    return {from_channels(s.inverse, inputs[0].shape(), inputs[0].dtype())};
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
  FixedBatchNormalization(Layout layout, double eps, Activation activation)
      : layout_(std::move(layout)), eps_(eps), activation_(activation) {}
  std::string_view name() const override { return "fixed_batch_normalization"; }
  Attributes attributes() const override { return attributes_of(layout_, eps_, activation_); }

  /// x, gamma, beta, mean, variance and perhaps a residual
  Arrays forward(std::span<const Array> inputs) override {
    retain_inputs({0, 1, 3, 4});
    if (activation_ != Activation::none) retain_output(0);
    const Array& x = inputs[0];
    Array y = Array::empty(x.shape(), x.dtype());
    normalize(layout_.geometry, x, inputs.size() > 5 ? inputs[5] : Array{},
              statistics_of(to_channels(inputs[3]), to_channels(inputs[4]), eps_),
              {to_channels(inputs[1]), to_channels(inputs[2])}, activation_, y);
    return {std::move(y)};
  }

  Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    const Variable g =
        activation_ == Activation::none ? gys[0] : through_activation(activation_, gys[0], output(0));
    const Variable x = input(0);
    const Variable s = apply<InverseRoot>({input(4)}, eps_);
    const Variable a = input(1) * s;
    Variables result(5);
    if (wanted[0]) result[0] = g * reshape(a, layout_.wide);
    if (wanted[2] || wanted[3]) {
      const Variable gbeta = sum(g, {.axis = layout_.averaged});
      if (wanted[2]) result[2] = gbeta;
      if (wanted[3]) result[3] = -(a * gbeta);
    }
    if (wanted[1] || wanted[4]) {
      const Variable moment = sum(g * (x - reshape(input(3), layout_.wide)), {.axis = layout_.averaged});
      if (wanted[1]) result[1] = moment * s;
      if (wanted[4]) result[4] = moment * a * s * s * -0.5;
    }
    result.resize(inputs().size(), g);
    return result;
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    const Array& x = input_array(0);
    const Statistics statistics =
        statistics_of(to_channels(input_array(3)), to_channels(input_array(4)), eps_);
    const PerChannel gamma = to_channels(input_array(1));
    ThroughBuffer through(wanted, activation_, 5, gys[0], into);
    const bool accumulate = wanted[0] && into[0].accumulates();
    Array* gx = nullptr;
    if (wanted[0]) gx = wanted[5] ? &into[0].buffer() : &into[0].buffer_over(gys[0]);
    const bool wants_sums = wanted[1] || wanted[2] || wanted[3] || wanted[4] || through.get() != nullptr;
    const GradientSums sums =
        gradients(layout_.geometry, x,
                  {gys[0], activation_, activation_ == Activation::none ? Array{} : output_array(0)},
                  statistics, StatisticsFrom::elsewhere, {gamma, PerChannel(gamma.size(), 0.0)},
                  {.gx = gx, .accumulate = accumulate, .through = through.get(), .sums = wants_sums});
    give_channels(wanted, sums, gamma, statistics.inverse, into);
    through.give(gys[0]);
  }

 private:
  void give_channels(const Wanted& wanted, const GradientSums& sums, const PerChannel& gamma,
                     const PerChannel& s, std::span<GradientSink> into) const {
    const auto give = [&](std::size_t input, auto f) {
      if (!wanted[input]) return;
      PerChannel values(s.size());
      for (std::size_t c = 0; c < s.size(); ++c) values[c] = f(c);
      into[input].give(from_channels(values, layout_.channels, input_array(1).dtype()));
    };
    give(1, [&](std::size_t c) { return sums.g_x[c] * s[c]; });
    give(2, [&](std::size_t c) { return sums.g[c]; });
    give(3, [&](std::size_t c) { return -gamma[c] * s[c] * sums.g[c]; });
    give(4, [&](std::size_t c) { return -0.5 * sums.g_x[c] * gamma[c] * s[c] * s[c] * s[c]; });
  }

  Layout layout_;
  double eps_;
  Activation activation_;
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
  const Array& residual = detail::array_or_undefined(options.residual);
  if (residual.defined()) check.argument("residual", residual, axis_names(residual, options.axis));
  const Plan plan = check_plan(check, x_array, detail::array_or_undefined(gamma), options.axis);
  for (const std::string_view name : {"gamma", "beta", "mean", "variance"}) check_channels(check, name, plan);
  if (residual.defined()) check_residual(check, x_array);
  check_eps(check, options.eps);
  return plan.run({x, gamma, beta, mean, variance}, options.residual,
                  [&](std::span<const Variable> inputs, const Layout& layout) {
                    return std::make_shared<FixedBatchNormalization>(layout, options.eps, options.activation)
                        ->apply_to(inputs)[0];
                  });
}

}  // namespace fathom::ops

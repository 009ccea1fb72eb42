// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include <fathom/autograd/recomputation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/batch_normalization.hpp>
#include <fathom/ops/batch_normalization/node.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {

namespace {

using namespace batch_norm;

using SharedStatistics = std::shared_ptr<const Statistics>;

/// What all functions of this file share: they see the same x, whose statistics are taken once.
struct Normalized {
  Layout layout;
  double eps;
  SharedStatistics statistics;

  [[nodiscard]] double per_element() const {
    return 1.0 / static_cast<double>(std::max<std::int64_t>(1, layout.geometry.averaged()));
  }
  [[nodiscard]] Array channels(const PerChannel& values, DType dtype) const {
    return from_channels(values, layout.channels, dtype);
  }
};

PerChannel product(PerChannel a, const PerChannel& b) {
  for (std::size_t c = 0; c < a.size(); ++c) a[c] *= b[c];
  return a;
}

Variable normalize_again(const Normalized& normalized, const Variable& x, const Variable& gamma,
                         const Variable& beta);

/// s = 1 / sqrt(variance(x) + eps) of each channel, which the second derivatives contain.
class InverseDeviation final : public Function {
 public:
  explicit InverseDeviation(Normalized normalized) : n_(std::move(normalized)) {}
  std::string_view name() const override { return "batch_normalization_inverse_deviation"; }

  Arrays forward(std::span<const Array> inputs) override {
    retain_input(0);
    retain_output(0);
    return {from_channels(n_.statistics->inverse, n_.layout.channels, inputs[0].dtype())};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Variable s = output(0);
    const Variable zeros(Array::zeros(n_.layout.channels, s.dtype()));
    return {normalize_again(n_, input(0), s * s * gys[0] * -n_.per_element(), zeros)};
  }

 private:
  Normalized n_;
};

/// Gradients of BatchNormalization: (x, gamma, gy) -> (gx, ggamma, gbeta). Its own derivatives are made of
/// itself, BatchNormalization and InverseDeviation.
class BatchNormalizationGrad final : public Function {
 public:
  explicit BatchNormalizationGrad(Normalized normalized) : n_(std::move(normalized)) {}
  std::string_view name() const override { return "batch_normalization_grad"; }

  Arrays forward(std::span<const Array> inputs) override {
    retain_inputs({0, 1, 2});
    const DType dtype = inputs[0].dtype();
    PerChannel gamma = to_channels(inputs[1]);
    const Affine affine{std::move(gamma), PerChannel(n_.statistics->mean.size(), 0.0)};
    Array gx = Array::empty(inputs[0].shape(), dtype);
    const GradientSums sums = batch_norm::gradients(n_.layout.geometry, inputs[0], {inputs[2]},
                                                    *n_.statistics, StatisticsFrom::x, affine, {.gx = &gx});
    return {std::move(gx), n_.channels(product(sums.g_x, n_.statistics->inverse), dtype),
            n_.channels(sums.g, dtype)};
  }

  Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    Variables result(3);
    const Variable x = input(0);
    const Variable gy = input(2);
    const Variable zeros(Array::zeros(n_.layout.channels, x.dtype()));
    const Variable ones(Array::ones(n_.layout.channels, x.dtype()));
    const Variables unscaled =
        gradients(x, ones, gy);  // s (gy - mean(gy) - xhat mean(gy xhat)), sum(gy xhat)

    if (gys[0].defined()) add_from_gx(wanted, gys[0], unscaled, result);
    if (gys[1].defined() && wanted[0]) add(result[0], wide(gys[1]) * unscaled[0]);
    if ((gys[1].defined() || gys[2].defined()) && wanted[2]) {
      add(result[2],
          normalize_again(n_, x, gys[1].defined() ? gys[1] : zeros, gys[2].defined() ? gys[2] : zeros));
    }
    return result;
  }

 private:
  static void add(Variable& total, const Variable& term) { total = total.defined() ? total + term : term; }
  [[nodiscard]] Variable wide(const Variable& channels) const { return reshape(channels, n_.layout.wide); }
  [[nodiscard]] Variables gradients(const Variable& x, const Variable& gamma, const Variable& gy) const {
    return std::make_shared<BatchNormalizationGrad>(n_)->apply_to(std::array{x, gamma, gy});
  }

  /// The part that `u`, the gradient of gx, brings.
  void add_from_gx(const Wanted& wanted, const Variable& u, const Variables& unscaled,
                   Variables& result) const {
    const Variable x = input(0);
    const Variable gamma = input(1);
    const Variables from_u = gradients(x, gamma, u);
    if (wanted[2]) result[2] = from_u[0];
    if (!wanted[0] && !wanted[1]) return;
    const Variable inner = sum(u * unscaled[0], {.axis = n_.layout.averaged});
    if (wanted[1]) result[1] = inner;
    if (!wanted[0]) return;
    const Variable zeros(Array::zeros(n_.layout.channels, x.dtype()));
    const Variable s = apply<InverseDeviation>({x}, n_) * n_.per_element();
    result[0] = -(wide(gamma * s * from_u[1]) * unscaled[0] + wide(s * unscaled[1]) * from_u[0] +
                  normalize_again(n_, x, gamma * s * inner, zeros));
  }

  Normalized n_;
};

class BatchNormalization final : public Function {
 public:
  explicit BatchNormalization(Normalized normalized, Activation activation = Activation::none,
                              bool recompute = false)
      : n_(std::move(normalized)), activation_(activation), recompute_(recompute) {}
  std::string_view name() const override { return "batch_normalization"; }
  Attributes attributes() const override { return attributes_of(n_.layout, n_.eps, activation_); }

  /// x, gamma, beta and perhaps a residual
  Arrays forward(std::span<const Array> inputs) override {
    has_residual_ = inputs.size() > 3;
    retain_inputs({0, 1});
    if (reads_output()) retain_output(0);
    const Array& x = inputs[0];
    const Array residual = has_residual_ ? inputs[3] : Array{};
    affine_ = {to_channels(inputs[1]), to_channels(inputs[2])};
    if (n_.statistics) return {normalized(x, residual)};
    Array y = Array::empty(x.shape(), x.dtype());
    n_.statistics = std::make_shared<const Statistics>(
        normalize_by_own(n_.layout.geometry, x, residual, n_.eps, affine_, activation_, y));
    return {std::move(y)};
  }

  bool recomputes(std::size_t) const override { return recompute_ && !has_residual_; }
  Array recompute(std::size_t) override { return normalized(input_array(0), {}); }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    Variable g = gys[0];
    if (activation_ != Activation::none) {
      g = through_activation(activation_, g, reads_output() ? output(0) : Variable(recompute(0)));
    }
    Variables result =
        std::make_shared<BatchNormalizationGrad>(n_)->apply_to(std::array{input(0), input(1), g});
    result.resize(inputs().size(), g);
    return result;
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    static_cast<void>(input_array(1));  // unchanged, or an error
    ThroughBuffer through(wanted, activation_, 3, gys[0], into);
    // Before anybody else holds gy, whose memory may be taken.
    const bool accumulate = wanted[0] && into[0].accumulates();
    Array* gx = nullptr;
    if (wanted[0]) gx = wanted[3] ? &into[0].buffer() : &into[0].buffer_over(gys[0]);
    const Array& x = input_array(0);
    const GradientSums sums =
        gradients(n_.layout.geometry, x, {gys[0], activation_, reads_output() ? output_array(0) : Array{}},
                  *n_.statistics, StatisticsFrom::x, affine_,
                  {.gx = gx, .accumulate = accumulate, .through = through.get()});
    if (wanted[1]) into[1].give(n_.channels(product(sums.g_x, n_.statistics->inverse), x.dtype()));
    if (wanted[2]) into[2].give(n_.channels(sums.g, x.dtype()));
    through.give(gys[0]);
  }

  [[nodiscard]] const Statistics& taken() const { return *n_.statistics; }

 private:
  /// Whether the activation's gradient is taken from y: without a residual, x tells it too.
  [[nodiscard]] bool reads_output() const { return activation_ != Activation::none && has_residual_; }
  [[nodiscard]] Array normalized(const Array& x, const Array& residual) const {
    Array y = Array::empty(x.shape(), x.dtype());
    normalize(n_.layout.geometry, x, residual, *n_.statistics, affine_, activation_, y);
    return y;
  }

  Normalized n_;
  Activation activation_;
  bool recompute_;
  bool has_residual_ = false;
  Affine affine_;
};

Variable normalize_again(const Normalized& normalized, const Variable& x, const Variable& gamma,
                         const Variable& beta) {
  return apply<BatchNormalization>({x, gamma, beta}, normalized);
}

/// running = decay * running + (1 - decay) * batch
void update_running(Array& running, const PerChannel& batch, double factor, double decay) {
  if (!running.defined()) return;
  dispatch_float(running.dtype(), "batch_normalization", [&]<class T>() {
    T* values = running.mutable_data<T>();
    for (std::size_t c = 0; c < batch.size(); ++c) {
      values[c] = static_cast<T>(decay * static_cast<double>(values[c]) + (1 - decay) * factor * batch[c]);
    }
  });
}

Plan check_batch_normalization(const Variable& x, const Variable& gamma, const Variable& beta,
                               const RunningStatistics* running, const BatchNormalizationOptions& options) {
  const Array& x_array = detail::array_or_undefined(x);
  const Array& residual = detail::array_or_undefined(options.residual);
  const std::string_view channels = channel_axis_names(options.axis);
  const bool has_mean = running != nullptr && running->mean.defined();
  const bool has_variance = running != nullptr && running->variance.defined();
  ArgumentCheck check("batch_normalization");
  check.argument("x", x_array, axis_names(x_array, options.axis))
      .argument("gamma", detail::array_or_undefined(gamma), channels)
      .argument("beta", detail::array_or_undefined(beta), channels);
  if (has_mean) check.argument("running.mean", running->mean, channels);
  if (has_variance) check.argument("running.variance", running->variance, channels);
  if (residual.defined()) check.argument("residual", residual, axis_names(residual, options.axis));
  Plan plan = check_plan(check, x_array, detail::array_or_undefined(gamma), options.axis);
  check_channels(check, "gamma", plan);
  check_channels(check, "beta", plan);
  if (has_mean) check_channels(check, "running.mean", plan);
  if (has_variance) check_channels(check, "running.variance", plan);
  if (residual.defined()) check_residual(check, x_array);
  check_eps(check, options.eps);
  FATHOM_CHECK(check.hint("decay is the share of the old average that is kept; 0.9 is usual"),
               options.decay >= 0 && options.decay <= 1, ValueError, "decay must lie in [0, 1] (it is {})",
               options.decay);
  return plan;
}

}  // namespace

Variable batch_normalization(const Variable& x, const Variable& gamma, const Variable& beta,
                             RunningStatistics* running, const BatchNormalizationOptions& options) {
  const Plan plan = check_batch_normalization(x, gamma, beta, running, options);
  std::shared_ptr<BatchNormalization> function;
  Variable y = plan.run(
      {x, gamma, beta}, options.residual, [&](std::span<const Variable> inputs, const Layout& layout) {
        function = std::make_shared<BatchNormalization>(Normalized{layout, options.eps, nullptr},
                                                        options.activation, options.recompute);
        return function->apply_to(inputs)[0];
      });
  const std::int64_t averaged = plan.layout.geometry.averaged();
  if (running != nullptr && averaged > 0 && !is_recomputing()) {
    const double unbiased =
        static_cast<double>(averaged) / static_cast<double>(std::max<std::int64_t>(averaged - 1, 1));
    update_running(running->mean, function->taken().mean, 1, options.decay);
    update_running(running->variance, function->taken().variance, unbiased, options.decay);
  }
  return y;
}

}  // namespace fathom::ops

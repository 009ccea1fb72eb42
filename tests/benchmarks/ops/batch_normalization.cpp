// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization.hpp>

#include <cmath>
#include <limits>
#include <memory>

#include "benchmarks/ops/inputs.hpp"
#include "benchmarks/ops/problem.hpp"
#include "support/tolerance.hpp"

namespace fathom::benchmarks {
namespace {

constexpr double kEps = 2e-5;

/// The definition in double, forward and backward.
class Reference {
 public:
  struct Inputs {
    std::vector<double> x, gamma, beta, residual, gy;
  };

  Reference(const OpSettings& settings, Inputs inputs)
      : settings_(settings), inputs_(std::move(inputs)), channels_(inputs_.gamma.size()) {
    plane_ = static_cast<std::size_t>(settings.shape[2] * settings.shape[3]);
    count_ = static_cast<double>(inputs_.x.size() / channels_);
    mean_ = channel_sums([this](std::size_t i) { return inputs_.x[i]; });
    for (double& mean : mean_) mean /= count_;
    scale_ = channel_sums([this](std::size_t i) {
      const double d = inputs_.x[i] - mean_[channel(i)];
      return d * d;
    });
    for (double& scale : scale_) scale = 1 / std::sqrt(scale / count_ + kEps);
    sum_g_ = channel_sums([this](std::size_t i) { return g(i); });
    sum_g_x_hat_ = channel_sums([this](std::size_t i) { return g(i) * x_hat(i); });
  }

  [[nodiscard]] Expected y(std::size_t i) const {
    double value = before_activation(i);
    if (settings_.activation != Activation::none) value = std::max(value, 0.0);
    if (settings_.activation == Activation::relu6) value = std::min(value, 6.0);
    return {value, unit() * (1 + magnitude(i))};
  }
  [[nodiscard]] Expected gx(std::size_t i) const {
    const std::size_t c = channel(i);
    const double factor = inputs_.gamma[c] * scale_[c];
    return {factor * (g(i) - sum_g_[c] / count_ - x_hat(i) * sum_g_x_hat_[c] / count_),
            is_at_kink(i) ? std::numeric_limits<double>::infinity()
                          : unit() * std::abs(factor) * (1 + std::abs(g(i)) + std::abs(x_hat(i)))};
  }
  [[nodiscard]] Expected ggamma(std::size_t c) const { return {sum_g_x_hat_[c], unit() * 2 * count_}; }
  [[nodiscard]] Expected gbeta(std::size_t c) const { return {sum_g_[c], unit() * 2 * count_}; }

 private:
  [[nodiscard]] std::size_t channel(std::size_t i) const { return i / plane_ % channels_; }
  [[nodiscard]] double x_hat(std::size_t i) const {
    return (inputs_.x[i] - mean_[channel(i)]) * scale_[channel(i)];
  }
  [[nodiscard]] double residual(std::size_t i) const {
    return inputs_.residual.empty() ? 0 : inputs_.residual[i];
  }
  [[nodiscard]] double before_activation(std::size_t i) const {
    return inputs_.gamma[channel(i)] * x_hat(i) + inputs_.beta[channel(i)] + residual(i);
  }
  [[nodiscard]] double magnitude(std::size_t i) const {
    return std::abs(inputs_.gamma[channel(i)]) * (1 + std::abs(x_hat(i))) +
           std::abs(inputs_.beta[channel(i)]) + std::abs(residual(i));
  }
  /// gy where the activation lets it through.
  [[nodiscard]] double g(std::size_t i) const {
    if (settings_.activation == Activation::none) return inputs_.gy[i];
    const double before = before_activation(i);
    const bool passes = before > 0 && (settings_.activation == Activation::relu || before < 6);
    return passes ? inputs_.gy[i] : 0;
  }
  /// Rounding may put it on either side.
  [[nodiscard]] bool is_at_kink(std::size_t i) const {
    if (settings_.activation == Activation::none) return false;
    const double distance = unit() * (1 + magnitude(i)), before = before_activation(i);
    return std::abs(before) < distance || std::abs(before - 6) < distance;
  }
  [[nodiscard]] double unit() const {
    return test::sum_tolerance(settings_.dtype, static_cast<std::int64_t>(count_));
  }

  template <class F>
  [[nodiscard]] std::vector<double> channel_sums(F&& f) const {
    std::vector<double> sums(channels_, 0.0);
    for (std::size_t i = 0; i < inputs_.x.size(); ++i) sums[channel(i)] += f(i);
    return sums;
  }

  OpSettings settings_;
  Inputs inputs_;
  std::size_t channels_, plane_ = 1;
  double count_ = 1;
  std::vector<double> mean_, scale_, sum_g_, sum_g_x_hat_;
};

/// What the pass does to an element: mean 1, variance 3, affine 2, residual and activation 1 each; backward
/// two sums 4 and the result 4.
double flops_per_element(const OpSettings& settings) {
  const double extra = (settings.activation == Activation::none ? 0 : 1) + (settings.residual ? 1 : 0);
  return settings.pass == Pass::forward ? 6 + extra : 8 + extra;
}

}  // namespace

OpProblem make_batch_normalization_problem(const OpSettings& settings) {
  const Shape channels{settings.shape[1]};
  const Variable x = make_input(settings, normal_input(settings, settings.shape, 0), Pass::backward_x);
  const Variable gamma = make_input(settings, normal_input(settings, channels, 1), Pass::backward_w);
  const Variable beta = make_input(settings, normal_input(settings, channels, 2), Pass::backward_w);
  Variable residual;
  if (settings.residual) {
    residual = Variable(normal_input(settings, settings.shape, 4), settings.pass == Pass::forward);
  }
  auto running = std::make_shared<ops::RunningStatistics>(
      ops::RunningStatistics{Array::zeros(channels, settings.dtype), Array::ones(channels, settings.dtype)});

  OpProblem problem;
  problem.apply = [=, activation = settings.activation] {
    return ops::batch_normalization(x, gamma, beta, running.get(),
                                    {.eps = kEps, .activation = activation, .residual = residual});
  };
  problem.gy = Variable(normal_input(settings, settings.shape, 3));
  const double image = byte_sum(x.data()), elements = static_cast<double>(x.size());
  problem.flops = elements * flops_per_element(settings);
  // forward: x, y, the residual; backward: x, gy, where the activation cut, and for x its gradient.
  problem.bytes = image * (2 + (settings.residual && settings.pass == Pass::forward ? 1 : 0));
  if (settings.pass == Pass::backward_x) {
    problem.inputs = {x};
    problem.bytes += image;
  }
  if (settings.pass == Pass::backward_w) problem.inputs = {gamma, beta};
  problem.expect = [=, gy = problem.gy]() -> Expectation {
    auto reference = std::make_shared<const Reference>(
        settings, Reference::Inputs{doubles(x.data()), doubles(gamma.data()), doubles(beta.data()),
                                    residual.defined() ? doubles(residual.data()) : std::vector<double>{},
                                    doubles(gy.data())});
    return [reference, pass = settings.pass](std::size_t which, std::int64_t index) {
      const auto i = static_cast<std::size_t>(index);
      if (pass == Pass::forward) return reference->y(i);
      if (pass == Pass::backward_x) return reference->gx(i);
      return which == 0 ? reference->ggamma(i) : reference->gbeta(i);
    };
  };
  return problem;
}

}  // namespace fathom::benchmarks

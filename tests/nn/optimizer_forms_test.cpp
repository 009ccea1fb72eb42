// SPDX-License-Identifier: BSD-3-Clause
// Chainer's forms of the optimizers are compared with recorded runs by reference_tests; these are the other
// ones, most of them PyTorch's, each against its formula as its own documentation writes it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include <fathom/nn/optim/adadelta.hpp>
#include <fathom/nn/optim/adagrad.hpp>
#include <fathom/nn/optim/adam.hpp>
#include <fathom/nn/optim/nesterov.hpp>
#include <fathom/nn/optim/rmsprop.hpp>
#include <fathom/nn/optim/sgd.hpp>

using namespace fathom;

namespace {

const std::vector<double> kGradients = {2, -1, 0.5, 3};
/// A rate for each, for forms that differ only while the rate changes.
const std::vector<double> kRates = {0.1, 0.1, 0.4, 0.05};

/// p = 1 after one step for each of the gradients; `rates` as long, or empty for the options' own.
template <class Optimizer, class Options>
double run(const Options& options, const std::vector<double>& rates = {}) {
  Parameter p{Array::from({1.0}, {1})};
  Optimizer optimizer{{p}, options};
  for (std::size_t i = 0; i < kGradients.size(); ++i) {
    if (!rates.empty()) optimizer.set_lr(rates[i]);
    p.set_grad(Variable{Array::from({kGradients[i]}, {1})});
    optimizer.step();
  }
  return p.data().item();
}

/// Algorithm 1 of the paper, as PyTorch writes it: both means corrected, eps added last.
double torch_adam(double rate, double beta1, double beta2, double eps, double l2, double decoupled,
                  bool amsgrad = false) {
  double p = 1, m = 0, v = 0, largest = 0;
  for (std::size_t i = 0; i < kGradients.size(); ++i) {
    const auto t = static_cast<double>(i + 1);
    p -= rate * decoupled * p;
    const double g = kGradients[i] + l2 * p;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    largest = amsgrad ? std::max(largest, v) : v;
    p -= rate * (m / (1 - std::pow(beta1, t))) / (std::sqrt(largest / (1 - std::pow(beta2, t))) + eps);
  }
  return p;
}

/// torch.optim.SGD with momentum: the buffer has no rate in it.
double torch_momentum(double momentum, double decay, bool nesterov, const std::vector<double>& rates) {
  double p = 1, buffer = 0;
  for (std::size_t i = 0; i < kGradients.size(); ++i) {
    const double g = kGradients[i] + decay * p;
    buffer = momentum * buffer + g;
    p -= rates[i] * (nesterov ? g + momentum * buffer : buffer);
  }
  return p;
}

}  // namespace

TEST_CASE("Adam with the corrected eps is PyTorch's", "[optim]") {
  const nn::AdamOptions options{.rate = 0.1, .beta1 = 0.8, .beta2 = 0.9, .eps = 0.5, .weight_decay = 0.25};
  nn::AdamOptions corrected = options;
  corrected.eps_form = nn::AdamEps::corrected;
  CHECK(run<nn::Adam>(corrected) == Approx(torch_adam(0.1, 0.8, 0.9, 0.5, 0.25, 0)).epsilon(1e-12));
  CHECK(run<nn::Adam>(options) != Approx(run<nn::Adam>(corrected)).epsilon(1e-3));
}

TEST_CASE("AMSGrad with the corrected eps is PyTorch's", "[optim]") {
  const nn::AdamOptions adam{.rate = 0.1,
                             .beta1 = 0.8,
                             .beta2 = 0.5,
                             .eps = 0.5,
                             .weight_decay = 0.25,
                             .eps_form = nn::AdamEps::corrected,
                             .amsgrad = true};
  CHECK(run<nn::Adam>(adam) == Approx(torch_adam(0.1, 0.8, 0.5, 0.5, 0.25, 0, true)).epsilon(1e-12));
  const nn::AdamWOptions adam_w{.rate = 0.1,
                                .beta1 = 0.8,
                                .beta2 = 0.5,
                                .eps = 0.5,
                                .weight_decay = 0.25,
                                .decay_scale = nn::DecayScale::rate,
                                .eps_form = nn::AdamEps::corrected,
                                .amsgrad = true};
  CHECK(run<nn::AdamW>(adam_w) == Approx(torch_adam(0.1, 0.8, 0.5, 0.5, 0, 0.25, true)).epsilon(1e-12));
  // Here v falls on the way, so that plain Adam ends elsewhere.
  nn::AdamOptions plain = adam;
  plain.amsgrad = false;
  CHECK(run<nn::Adam>(adam) != Approx(run<nn::Adam>(plain)).epsilon(1e-3));
}

TEST_CASE("AdamW with decay by the rate is PyTorch's", "[optim]") {
  // There the decay comes before the step, which makes no difference: the step does not look at p.
  const nn::AdamWOptions options{.rate = 0.1,
                                 .beta1 = 0.8,
                                 .beta2 = 0.9,
                                 .eps = 0.5,
                                 .weight_decay = 0.25,
                                 .decay_scale = nn::DecayScale::rate,
                                 .eps_form = nn::AdamEps::corrected};
  CHECK(run<nn::AdamW>(options) == Approx(torch_adam(0.1, 0.8, 0.9, 0.5, 0, 0.25)).epsilon(1e-12));
  nn::AdamWOptions by_eta = options;
  by_eta.decay_scale = nn::DecayScale::eta;
  by_eta.weight_decay = 0.25 * 0.1;
  CHECK(run<nn::AdamW>(by_eta) == Approx(run<nn::AdamW>(options)).epsilon(1e-12));
}

TEST_CASE("eta scales the step of AdamW", "[optim]") {
  nn::AdamWOptions options{.rate = 0.1, .eta = 0.5, .weight_decay = 0.25};
  const double half = run<nn::AdamW>(options);
  CHECK(half == Approx(run<nn::AdamW>(nn::AdamWOptions{.rate = 0.05, .weight_decay = 0.125})).epsilon(1e-12));

  Parameter p{Array::from({1.0}, {1})};
  nn::AdamW optimizer{{p}, options};
  optimizer.set_eta(0);
  p.set_grad(Variable{Array::from({1.0}, {1})});
  optimizer.step();
  CHECK(p.data().item() == 1);
  CHECK(optimizer.eta() == 0);
}

TEST_CASE("momentum with the rate outside is PyTorch's, also when the rate changes", "[optim]") {
  const nn::SGDOptions options{
      .rate = 0.1, .momentum = 0.6, .weight_decay = 0.25, .form = nn::MomentumForm::rate_outside};
  const double expected = torch_momentum(0.6, 0.25, false, kRates);
  CHECK(run<nn::SGD>(options, kRates) == Approx(expected).epsilon(1e-12));
  nn::SGDOptions inside = options;
  inside.form = nn::MomentumForm::rate_inside;
  CHECK(run<nn::SGD>(inside) == Approx(run<nn::SGD>(options)).epsilon(1e-12));
  CHECK(run<nn::SGD>(inside, kRates) != Approx(expected).epsilon(1e-3));
}

TEST_CASE("Nesterov in PyTorch's form is PyTorch's, also when the rate changes", "[optim]") {
  const auto with = [](nn::NesterovForm form) {
    return nn::NesterovOptions{.rate = 0.1, .momentum = 0.6, .weight_decay = 0.25, .form = form};
  };
  const double expected = torch_momentum(0.6, 0.25, true, kRates);
  CHECK(run<nn::Nesterov>(with(nn::NesterovForm::pytorch), kRates) == Approx(expected).epsilon(1e-12));
  CHECK(run<nn::Nesterov>(with(nn::NesterovForm::sutskever), kRates) != Approx(expected).epsilon(1e-3));
  const double steady = torch_momentum(0.6, 0.25, true, {0.1, 0.1, 0.1, 0.1});
  CHECK(run<nn::Nesterov>(with(nn::NesterovForm::sutskever)) == Approx(steady).epsilon(1e-12));
  CHECK(run<nn::Nesterov>(with(nn::NesterovForm::chainer)) != Approx(steady).epsilon(1e-3));
}

TEST_CASE("AdaGrad and AdaDelta are PyTorch's too", "[optim]") {
  double p = 1, sum = 0;
  double q = 1, square_mean = 0, step_mean = 0;
  for (const double gradient : kGradients) {
    const double g = gradient + 0.25 * p;
    sum += g * g;
    p -= 0.1 * g / (std::sqrt(sum) + 0.5);
    const double h = gradient + 0.25 * q;
    square_mean = 0.8 * square_mean + 0.2 * h * h;
    const double step = std::sqrt(step_mean + 0.5) / std::sqrt(square_mean + 0.5) * h;
    step_mean = 0.8 * step_mean + 0.2 * step * step;
    q -= 0.1 * step;
  }
  CHECK(run<nn::AdaGrad>(nn::AdaGradOptions{.rate = 0.1, .eps = 0.5, .weight_decay = 0.25}) ==
        Approx(p).epsilon(1e-12));
  CHECK(run<nn::AdaDelta>(nn::AdaDeltaOptions{.rate = 0.1, .rho = 0.8, .eps = 0.5, .weight_decay = 0.25}) ==
        Approx(q).epsilon(1e-12));
}

TEST_CASE("RMSprop puts eps inside or outside the root", "[optim]") {
  const bool inside = GENERATE(false, true);
  double p = 1, ms = 0;
  for (const double gradient : kGradients) {
    const double g = gradient + 0.25 * p;
    ms = 0.8 * ms + 0.2 * g * g;
    p -= 0.1 * g / (inside ? std::sqrt(ms + 0.5) : std::sqrt(ms) + 0.5);
  }
  const nn::RMSpropOptions options{
      .rate = 0.1, .alpha = 0.8, .eps = 0.5, .weight_decay = 0.25, .eps_inside_sqrt = inside};
  CHECK(run<nn::RMSprop>(options) == Approx(p).epsilon(1e-12));
}

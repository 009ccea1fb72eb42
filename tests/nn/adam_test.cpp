// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/adam.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include <fathom/nn/optim/nesterov.hpp>
#include <fathom/nn/optim/rmsprop.hpp>

using namespace fathom;

namespace {

const std::vector<double> kGradients = {2, -1, 0.5, 3};

/// p = 1 after one step for each of the gradients.
template <class Optimizer, class Options>
double run(const Options& options) {
  Parameter p{Array::from({1.0}, {1})};
  Optimizer optimizer{{p}, options};
  for (const double g : kGradients) {
    p.set_grad(Variable{Array::from({g}, {1})});
    optimizer.step();
  }
  return p.data().item();
}

/// Algorithm 1 of the paper, as PyTorch writes it: both means corrected, eps added last.
double torch_adam(double rate, double beta1, double beta2, double eps, double l2, double decoupled) {
  double p = 1, m = 0, v = 0;
  for (std::size_t i = 0; i < kGradients.size(); ++i) {
    const auto t = static_cast<double>(i + 1);
    p -= rate * decoupled * p;
    const double g = kGradients[i] + l2 * p;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    p -= rate * (m / (1 - std::pow(beta1, t))) / (std::sqrt(v / (1 - std::pow(beta2, t))) + eps);
  }
  return p;
}

}  // namespace

// Chainer's forms are compared with recorded runs by reference_tests; these are the other ones.

TEST_CASE("Adam with the corrected eps is PyTorch's", "[optim]") {
  const nn::AdamOptions options{.rate = 0.1, .beta1 = 0.8, .beta2 = 0.9, .eps = 0.5, .weight_decay = 0.25};
  nn::AdamOptions corrected = options;
  corrected.eps_form = nn::AdamEps::corrected;
  CHECK(run<nn::Adam>(corrected) == Approx(torch_adam(0.1, 0.8, 0.9, 0.5, 0.25, 0)).epsilon(1e-12));
  CHECK(run<nn::Adam>(options) != Approx(run<nn::Adam>(corrected)).epsilon(1e-3));
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

TEST_CASE("Nesterov in Sutskever's form is PyTorch's", "[optim]") {
  const nn::NesterovOptions options{
      .rate = 0.1, .momentum = 0.6, .weight_decay = 0.25, .form = nn::NesterovForm::sutskever};
  double p = 1, buffer = 0;
  for (const double gradient : kGradients) {
    const double g = gradient + 0.25 * p;
    buffer = 0.6 * buffer + g;
    p -= 0.1 * (g + 0.6 * buffer);
  }
  CHECK(run<nn::Nesterov>(options) == Approx(p).epsilon(1e-12));
  nn::NesterovOptions chainer = options;
  chainer.form = nn::NesterovForm::chainer;
  CHECK(run<nn::Nesterov>(chainer) != Approx(p).epsilon(1e-3));
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

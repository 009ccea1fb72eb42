// SPDX-License-Identifier: BSD-3-Clause
// The code in docs/optim.md and in comments of nn/optim, word for word; it is run here.
#include <catch2/catch.hpp>

#include <cmath>

#include <fathom/fathom.hpp>

using namespace fathom;

namespace {

void train(nn::Module& net, const Array& images, const Array& labels, std::int64_t total) {
  const auto [plain, weights] = nn::split_parameters(net, nn::is_bias_or_norm);
  nn::SGD optimizer{{{weights}, {.parameters = plain, .decay = 0}}, {.weight_decay = 5e-4}};
  for (std::int64_t step = 0; step < total; ++step) {
    optimizer.set_lr(nn::warm_up(step, 500) * nn::cosine_decay(step, total));
    backward(ops::softmax_cross_entropy(net(Variable{images}), labels));
    nn::clip_gradient_norm(net.parameters(), 5);
    optimizer.step();
    optimizer.zero_grad();
  }
}

/// The sign of a running mean, whatever its size (J. Bernstein et al., signSGD, 2018).
class SignSGD final : public nn::Optimizer {
 public:
  SignSGD(Variables parameters, double rate) : Optimizer("SignSGD", {{std::move(parameters)}}, rate, {"m"}) {}

 private:
  void update(const nn::UpdateRange& range) const override {
    dispatch_float(range.dtype, "SignSGD", [&]<class T>() {
      const T* g = range.gradients<T>();
      T* p = range.values<T>();
      T* m = range.state<T>(0);
      const T rate = static_cast<T>(range.rate), share = static_cast<T>(0.1);
      for (std::int64_t i = 0; i < range.count; ++i) {
        m[i] += share * (g[i] - m[i]);
        p[i] -= rate * static_cast<T>((m[i] > 0) - (m[i] < 0));
      }
    });
  }
};

}  // namespace

TEST_CASE("the page's training with groups, warm-up and clipping learns", "[optim]") {
  Random random{3};
  nn::Linear net{4, 2, {}, random};
  const Array images = normal(random.key(), {32, 4}, 0, 1, DType::float32);
  Array labels = Array::zeros({32}, DType::int64);
  for (std::int64_t i = 0; i < 32; ++i) {
    const float* x = images.data<float>() + i * 4;
    labels.mutable_data<std::int64_t>()[i] = x[0] + x[1] > x[2] ? 1 : 0;
  }
  const auto loss = [&] { return ops::softmax_cross_entropy(net(Variable{images}), labels).item(); };
  const double before = loss();
  train(net, images, labels, 1000);
  CHECK(loss() < before / 3);
}

TEST_CASE("a user's own rule needs its formula and nothing else", "[optim]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  Random random{5};
  // More than one thread's share.
  constexpr std::int64_t kCount = 50001;
  const Array before = normal(random.key(), {kCount}, 0, 1, dtype).astype(DType::float64);
  const Array gradients = normal(random.key(), {kCount}, 0, 1, dtype);
  Parameter p{before.copy().astype(dtype)};
  p.set_grad(Variable{gradients});
  SignSGD optimizer{{p}, 0.25};
  optimizer.step();
  const Array after = p.data().astype(DType::float64), g = gradients.astype(DType::float64),
              m = optimizer.state(0, "m").astype(DType::float64);
  for (std::int64_t i = 0; i < kCount; ++i) {
    const double want = before.data<double>()[i] - std::copysign(0.25, g.data<double>()[i]);
    REQUIRE(after.data<double>()[i] == Approx(want).margin(1e-6));
    REQUIRE(m.data<double>()[i] == Approx(0.1 * g.data<double>()[i]).epsilon(1e-6));
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// A MobileNet-style network of one's own, put together from blocks and trained on pictures made here: which
// way do the stripes run? docs/mobilenet.md explains it line by line.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <fathom/fathom.hpp>

using namespace fathom;

namespace {

/// MobileNetV3's gate, relu6(x + 3) / 6.
Variable hard_gate(const Variable& x) { return ops::hard_sigmoid(x, 1.0 / 6); }

/// x (n, 1, h, w), y (n, classes), the logits.
struct StripeNet : nn::Module {
  nn::ConvBatchNorm stem;
  nn::Sequential blocks;
  nn::ConvBatchNorm head;
  nn::Linear classify;
  FATHOM_MODULE(stem, blocks, head, classify)

  StripeNet(std::int64_t classes, Random& random)
      : stem{1, 16, {.kernel = 3, .pad = 1, .activation = Activation::relu}, random},
        blocks{// MobileNetV1: 3x3 for each channel, then 1x1 across the channels.
               nn::DepthwiseSeparable{16, 24, {.stride = 2}, random},
               // MobileNetV2: widen, 3x3 for each channel, narrow; the input is added.
               nn::InvertedResidual{24, 24, {.expanded = 72}, random},
               // MobileNetV3: 5x5, hard-swish, and a gate for each channel.
               nn::InvertedResidual{24,
                                    40,
                                    {.expanded = 96,
                                     .kernel = 5,
                                     .stride = 2,
                                     .function = ops::hard_swish,
                                     .squeeze = nn::SqueezeExciteOptions{.reduced = 24, .gate = hard_gate}},
                                    random}},
        head{40, 64, {.kernel = 1, .activation = Activation::relu}, random},
        classify{64, classes, {}, random} {}

  Variable forward(const Variable& x) override {
    return classify(ops::global_average_pooling_2d(head(blocks(stem(x)))));
  }
};

constexpr std::int64_t kClasses = 4;  // stripes at 0, 45, 90 and 135 degrees
constexpr std::int64_t kSize = 16;

/// `count` pictures of stripes under noise, every class as often as the others.
nn::Batch stripes(std::int64_t count, RandomKey key) {
  const Array noise = normal(key, {count, 1, kSize, kSize}, 0, 0.5, DType::float32);
  nn::Batch batch{noise.copy(), Array::empty({count}, DType::int64)};
  float* pixel = batch.images.mutable_data<float>();
  std::int64_t* label = batch.labels.mutable_data<std::int64_t>();
  for (std::int64_t n = 0; n < count; ++n) {
    label[n] = n % kClasses;
    const double angle = static_cast<double>(label[n]) * std::acos(-1.0) / kClasses;
    for (std::int64_t i = 0; i < kSize; ++i) {
      for (std::int64_t j = 0; j < kSize; ++j) {
        const double along =
            static_cast<double>(j) * std::cos(angle) + static_cast<double>(i) * std::sin(angle);
        *pixel++ += static_cast<float>(std::sin(1.6 * along + static_cast<double>(n)));
      }
    }
  }
  return batch;
}

}  // namespace

int main() {
  Random random{1};
  StripeNet net{kClasses, random};
  fmt::print("{}\n", to_string(nn::summary(net, {1, kSize, kSize})));

  nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9, .weight_decay = 5e-4}};
  constexpr std::int64_t kSteps = 60;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const auto [images, labels] = stripes(32, random.key());
    optimizer.set_lr(nn::one_cycle(step, kSteps, {.peak = 0.1}));
    const Variable loss = ops::softmax_cross_entropy(net(Variable{images}), labels);
    backward(loss);
    optimizer.step();
    optimizer.zero_grad();
  }

  net.eval();
  nn::fold_batch_norm(net);
  const NoGradScope no_graph;
  const auto [images, labels] = stripes(200, random.key());
  const double accuracy = ops::accuracy(net(Variable{images}), labels).item();
  fmt::print("{:.0f} % of 200 new pictures are right\n", 100 * accuracy);
  return accuracy >= 0.9 ? 0 : 1;
}

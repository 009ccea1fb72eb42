// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/fathom.hpp>
#include <iostream>

using namespace fathom;

int main() {
  Random random{1};
  Array images = normal(random.key(), {64, 1, 8, 8}, 0, 0.5, DType::float32);  // noise, (n, c, h, w)
  Array labels = Array::zeros({64}, DType::int64);
  for (std::int64_t i = 0; i < 64; ++i) {  // odd images get horizontal stripes, even ones vertical stripes
    labels.mutable_data<std::int64_t>()[i] = i % 2;
    for (std::int64_t p = 0; p < 64; ++p) {
      images.mutable_data<float>()[i * 64 + p] += (i % 2 == 1 ? p / 8 : p) % 2 == 0 ? 1.0F : -1.0F;
    }
  }
  nn::Sequential net{nn::DepthwiseConv2D{1, {.multiplier = 4, .kernel = 3}, random}, nn::ReLU{},
                     nn::GlobalAveragePool2D{}, nn::Linear{4, 2, {}, random}};
  nn::SGD optimizer{net.parameters(), {.rate = 0.1, .momentum = 0.9}};
  for (int step = 1; step <= 20; ++step) {
    const Variable loss = ops::softmax_cross_entropy(net(Variable{images}), labels);
    backward(loss);
    optimizer.step();
    optimizer.zero_grad();
    std::cout << "step " << step << ": loss " << loss.item() << '\n';
  }
}

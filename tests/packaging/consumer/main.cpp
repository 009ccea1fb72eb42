// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <iostream>

#include <fathom/fathom.hpp>

using namespace fathom;

int main() {
  Random random{1};
  Array labels = Array::zeros({64}, DType::int64);
  std::fill_n(labels.mutable_data<std::int64_t>(), 32, 1);  // the first half gets vertical stripes
  const Variable vertical{labels.astype(DType::float32).reshape({64, 1, 1, 1})};
  const Variable stripes{Array::from({1.F, -1.F, 1.F, -1.F, 1.F, -1.F, 1.F, -1.F}, {8})};
  const Variable noise{normal(random.key(), {64, 1, 8, 8}, 0, 0.5, DType::float32)};  // (n, c, h, w)
  const Variable images = noise + vertical * stripes + (1.0 - vertical) * ops::reshape(stripes, {8, 1});
  nn::Sequential net{nn::DepthwiseConv2D{1, {.multiplier = 4, .kernel = 3}, random}, nn::ReLU{},
                     nn::GlobalAveragePool2D{}, nn::Linear{4, 2, {}, random}};
  nn::SGD optimizer{net.parameters(), {.rate = 0.1, .momentum = 0.9}};
  for (int step = 1; step <= 20; ++step) {
    const Variable loss = ops::softmax_cross_entropy(net(images), labels);
    backward(loss);
    optimizer.step();
    optimizer.zero_grad();
    std::cout << "step " << step << ": loss " << loss.item() << '\n';
  }
}

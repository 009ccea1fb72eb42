// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/fathom.hpp>
#include <iostream>

using namespace fathom;

int main() {
  Random random{1};
  const Variable image{normal(random.key(), {1, 3, 8, 8}, 0, 1, DType::float32)};
  Variable W{normal(random.key(), {1, 3, 3, 3}, 0, 0.3, DType::float32),
             true};  // 1 filter for each of 3 channels
  Variable b{Array::zeros({3}, DType::float32), true};

  for (int step = 0; step < 20; ++step) {
    const Variable y = ops::depthwise_convolution_2d(image, W, b, {.stride = 2, .pad = 1});
    const Variable loss = ops::mean((y - 1.0) * (y - 1.0));  // teach it to answer 1 everywhere
    W.zero_grad();
    b.zero_grad();
    backward(loss);
    std::cout << "step " << step << ": loss " << loss.item() << '\n';
    for (Variable* parameter : {&W, &b}) {
      float* value = parameter->mutable_data().mutable_data<float>();
      const float* slope = parameter->grad().data().data<float>();
      for (std::int64_t i = 0; i < parameter->size(); ++i) value[i] -= 0.3F * slope[i];
    }
  }
}

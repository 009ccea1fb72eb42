// SPDX-License-Identifier: BSD-3-Clause
// Two edge filters for each channel of a small image, and one gradient step that moves other filters towards
// them.
#include <fmt/core.h>

#include <fathom/fathom.hpp>

using namespace fathom;

int main() {
  // An image of one channel: a bright square on a dark ground.
  Array image = Array::zeros({1, 1, 8, 8}, DType::float32);
  float* pixels = image.mutable_data<float>();
  for (int i = 2; i < 6; ++i) {
    for (int j = 2; j < 6; ++j) pixels[i * 8 + j] = 1;
  }
  const Variable x{image};

  // W is (multiplier, channels, height, width): two kernels for the one channel.
  const Variable edges{Array::from({-1.F, 0.F, 1.F, -2.F, 0.F, 2.F, -1.F, 0.F, 1.F,   // left to right
                                    -1.F, -2.F, -1.F, 0.F, 0.F, 0.F, 1.F, 2.F, 1.F},  // top to bottom
                                   {2, 1, 3, 3})};
  const Variable wanted = ops::depthwise_convolution_2d(x, edges, {}, {.pad = 1});
  fmt::print("x {}  W {}  y {}\n", to_string(x.shape()), to_string(edges.shape()), to_string(wanted.shape()));
  for (int i = 0; i < 8; ++i) {
    for (int j = 0; j < 8; ++j) fmt::print("{:4.0f}", wanted.data().data<float>()[i * 8 + j]);
    fmt::print("\n");
  }

  // Kernels that know nothing yet: how far is their output from the edges?
  Variable W{Array::zeros({2, 1, 3, 3}, DType::float32), true};
  const auto loss = [&] {
    const Variable difference = ops::depthwise_convolution_2d(x, W, {}, {.pad = 1}) - wanted;
    return ops::mean(difference * difference);
  };
  const Variable before = loss();
  backward(before);
  W.mutable_data().assign((W - W.grad() * 0.5).data());
  const double after = loss().item();
  fmt::print("loss {:.3f}, after one step {:.3f}\n", before.item(), after);
  return after < before.item() ? 0 : 1;
}

// SPDX-License-Identifier: BSD-3-Clause
// A MobileNetV2 as one would deploy it: in evaluation, batch normalizations folded, without a graph.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <fathom/fathom.hpp>

using namespace fathom;

int main() {
  Random random{1};
  nn::MobileNetV2 net{{.classes = 10, .width = 0.35, .small_images = true}, random};
  // A trained net loads its weights here: nn::load(net, "weights.npz").
  const Variable image{normal(random.key(), {1, 3, 32, 32}, 0, 1, DType::float32)};

  net.eval();
  const Array before = net(image).data();
  const nn::FoldReport report = nn::fold_batch_norm(net);
  fmt::print("{}\n", to_string(report));

  const NoGradScope no_graph;
  const Variable logits = net(image);
  const float* values = logits.data().data<float>();
  fmt::print("class {}\n", std::max_element(values, values + 10) - values);

  float difference = 0;
  for (int i = 0; i < 10; ++i)
    difference = std::max(difference, std::abs(values[i] - before.data<float>()[i]));
  return difference < 1e-4F ? 0 : 1;
}

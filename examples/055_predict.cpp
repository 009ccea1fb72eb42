// SPDX-License-Identifier: BSD-3-Clause
// A MobileNetV2 as one would deploy it: in evaluation, batch normalizations folded, without a graph. Reads
// the PNG file that its argument names; without one it looks at noise.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fathom/fathom.hpp>
#include <string>

using namespace fathom;

namespace {

constexpr std::int64_t kSize = 32;

/// A PNG file as the loader of the training made its images, (1, 3, 32, 32): RGB from 0 to 1, less mean, by
/// deviation (here those of CIFAR-10). Gray gives three equal channels; alpha is left out.
Variable read_image(const std::string& path) {
  const Array png = nn::read_png(path);  // (h, w), or (h, w, c)
  const Shape sizes{png.shape(0), png.shape(1), png.rank() == 3 ? png.shape(2) : 1};
  const Variable planes = ops::moveaxis(Variable{png.astype(DType::float32).reshape(sizes)}, 2, 0);
  const Variable colors = ops::get_item(planes, {Slice{0, sizes[2] >= 3 ? 3 : 1}});
  const Array image = nn::resize(ops::broadcast_to(colors, {1, 3, sizes[0], sizes[1]}).data(), kSize);
  const Variable mean{Array::from({0.491F, 0.482F, 0.447F}, {3, 1, 1})};
  const Variable deviation{Array::from({0.247F, 0.243F, 0.262F}, {3, 1, 1})};
  return (Variable{image} / 255.0 - mean) / deviation;
}

/// The likeliest classes of a PNG file, or of noise where the path is empty.
int predict(const std::string& path) {
  Random random{1};
  nn::MobileNetV2 net{{.classes = 10, .width = 0.35, .small_images = true}, random};
  // A trained net loads its weights here: nn::load(net, "weights.npz").
  const Variable noise{normal(random.key(), {1, 3, kSize, kSize}, 0, 1, DType::float32)};
  const Variable image = path.empty() ? noise : read_image(path);

  net.eval();
  const Array before = net(image).data();
  const nn::FoldReport report = nn::fold_batch_norm(net);
  fmt::print("{}\n", to_string(report));

  const NoGradScope no_graph;
  const Variable logits = net(image);
  const ops::TopK best = ops::top_k(ops::softmax(logits), 3);
  for (int i = 0; i < 3; ++i) {
    fmt::print("class {}: {:.1f} %\n", best.indices.data<std::int64_t>()[i],
               100 * best.values.data().data<float>()[i]);
  }

  const float* values = logits.data().data<float>();
  float difference = 0;
  for (int i = 0; i < 10; ++i)
    difference = std::max(difference, std::abs(values[i] - before.data<float>()[i]));
  return difference < 1e-4F ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return predict(count > 1 ? arguments[1] : "");
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

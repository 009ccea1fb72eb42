// SPDX-License-Identifier: BSD-3-Clause
// One network with its sizes and without them, and what to ask of it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/sequential.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/pooling_2d.hpp>

namespace fathom::test {

inline Variable images(const Shape& shape, DType dtype = DType::float32) {
  return Variable{normal(RandomKey{7, 7}, shape, 0.5, 2, dtype)};
}

/// The same network with sizes and without them.
struct DeferredNet : nn::Module {
  nn::Conv2D conv;
  nn::Sequential block;
  nn::Linear classify;
  FATHOM_MODULE(conv, block, classify)
  enum Sizes { given, left_out };
  DeferredNet(Sizes sizes, Random random)
      : conv{sizes == given ? nn::Conv2D{3, 4, {.kernel = 3, .pad = 1}, random}
                            : nn::Conv2D{4, {.kernel = 3, .pad = 1}, random}},
        block{sizes == given ? nn::DepthwiseConv2D{4, {.multiplier = 2, .kernel = 3}, random}
                             : nn::DepthwiseConv2D{{.multiplier = 2, .kernel = 3}, random},
              sizes == given ? nn::BatchNorm2D{8} : nn::BatchNorm2D{}},
        classify{sizes == given ? nn::Linear{8, 5, {.initial_b = nn::init::normal(1)}, random}
                                : nn::Linear{5, {.initial_b = nn::init::normal(1)}, random}} {}
  Variable forward(const Variable& x) override {
    return classify(ops::global_average_pooling_2d(ops::relu(block(conv(x)))));
  }
};

inline NamedArrays state(const nn::Module& module) {
  NamedArrays result;
  for (const auto& [name, value] : module.named_parameters()) result.emplace_back(name, value.data());
  for (const auto& [name, value] : module.named_buffers()) result.emplace_back(name, value);
  return result;
}

inline bool same_state(const nn::Module& a, const nn::Module& b) {
  const NamedArrays left = state(a), right = state(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](const auto& l, const auto& r) {
    return l.first == r.first && identical(l.second, r.second);
  });
}

inline std::vector<std::string> waiting(const nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, value] : module.named_parameters()) {
    if (!value.defined()) names.push_back(name);
  }
  return names;
}

}  // namespace fathom::test

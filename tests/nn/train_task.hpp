// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <fathom/core/npy.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/data/data_loader.hpp>
#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/layers/activation.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/layers/pooling2d.hpp>
#include <fathom/nn/sequential.hpp>

/// A task small enough for a test: images of noise with one bright quarter; which quarter is the label.
namespace fathom::test {

inline constexpr std::int64_t kTaskClasses = 4;

/// `count` images (count, 1, 8, 8), their labels going round.
inline nn::DataLoader task_loader(std::int64_t count, nn::DataLoaderOptions options, std::uint64_t seed = 1) {
  Array images = normal({seed, 0}, {count, 1, 8, 8}, 0, 0.5, DType::float32);
  Array labels = Array::empty({count}, DType::int64);
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t label = n % kTaskClasses;
    labels.mutable_data<std::int64_t>()[n] = label;
    for (std::int64_t i = 0; i < 16; ++i) {
      images.mutable_data<float>()[n * 64 + (label / 2 * 4 + i / 4) * 8 + label % 2 * 4 + i % 4] += 1;
    }
  }
  return {images, labels, std::move(options)};
}

/// Everything that has a state of its own: batch statistics, and dropout's counter.
inline nn::Sequential task_net(std::uint64_t seed) {
  Random random{seed};
  return nn::Sequential{nn::Conv2D{1, 8, {.kernel = 3, .pad = 1, .bias = false}, random},
                        nn::BatchNorm2D{8},
                        nn::ReLU{},
                        nn::DepthwiseConv2D{8, {.multiplier = 2, .kernel = 3, .stride = 2, .pad = 1}, random},
                        nn::ReLU{},
                        nn::Dropout{0.2, random},
                        nn::MaxPool2D{{.kernel = 2}},
                        nn::Linear{64, kTaskClasses, {}, random}};
}

/// Parameters and buffers, copied.
inline NamedArrays arrays_of(const nn::Module& net) {
  NamedArrays arrays;
  for (const auto& [name, value] : net.named_parameters()) arrays.emplace_back(name, value.data().copy());
  for (const auto& [name, value] : net.named_buffers()) arrays.emplace_back(name, value.copy());
  return arrays;
}

/// The first name under which the two differ in a bit; empty when they do not.
inline std::string first_difference(const NamedArrays& a, const NamedArrays& b) {
  if (a.size() != b.size()) return "number of arrays";
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].first != b[i].first || !identical(a[i].second, b[i].second)) return a[i].first;
  }
  return {};
}

}  // namespace fathom::test

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/squeeze_excite.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/reduction.hpp>

#include "nn/block_checks.hpp"

using namespace fathom;

namespace {

Variable mobilenet_gate(const Variable& x) { return ops::hard_sigmoid(x, 1.0 / 6); }
void set(Parameter& parameter, const std::vector<float>& values) {
  std::copy(values.begin(), values.end(), parameter.mutable_data().mutable_data<float>());
}
Variable swish(const Variable& x) { return x * ops::sigmoid(x); }

}  // namespace

TEST_CASE("squeeze-and-excitation multiplies each channel by its gate", "[layers][squeeze_excite]") {
  Random random{3};
  nn::SqueezeExcite layer{2, {.reduced = 1}, random};
  CHECK(layer.reduce.W.shape() == Shape{1, 2, 1, 1});
  CHECK(layer.expand.W.shape() == Shape{2, 1, 1, 1});
  set(layer.reduce.W, {1, 2});
  set(layer.reduce.b, {-1});
  set(layer.expand.W, {1, -2});
  set(layer.expand.b, {0, 1});
  const Variable x(Array::from<float>({1, 3, 0, 1}, {1, 2, 1, 2}));  // means 2 and 0.5
  // relu(2 + 2 * 0.5 - 1) = 2; the gates are those of 2 and -3.
  const auto first = static_cast<float>(1 / (1 + std::exp(-2.0)));
  const auto second = static_cast<float>(1 / (1 + std::exp(3.0)));
  CHECK(allclose(layer(x).data(), Array::from<float>({first, 3 * first, 0, second}, {1, 2, 1, 2}), 1e-6, 0));
}

TEST_CASE("squeeze-and-excitation of MobileNetV3 and EfficientNet", "[layers][squeeze_excite]") {
  Random random{4};
  const bool mobilenet = GENERATE(true, false);
  nn::SqueezeExciteOptions options{.reduced = 3};
  if (mobilenet) {
    options.gate = mobilenet_gate;
  } else {
    options.activation = swish;
  }
  nn::SqueezeExcite layer{4, options, random};
  test::prepare(layer);
  const Variable x(uniform({4, 1}, {2, 4, 3, 5}, -1, 1, DType::float64));
  const Variable reduced = layer.reduce(ops::mean(x, {.axis = Axes{2, 3}, .keepdims = true}));
  const Variable gate = layer.expand(mobilenet ? ops::relu(reduced) : swish(reduced));
  const Variable wanted = x * (mobilenet ? mobilenet_gate(gate) : ops::sigmoid(gate));
  CHECK(allclose(layer(x).data(), wanted.data(), 1e-12, 1e-12));
  std::vector<std::string> names;
  for (const auto& [name, value] : layer.named_parameters()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"reduce.W", "reduce.b", "expand.W", "expand.b"});
  test::check_gradients(layer, {2, 4, 3, 5});
}

TEST_CASE("squeeze-and-excitation refuses impossible numbers", "[layers][squeeze_excite][error]") {
  Random random{5};
  CHECK_THROWS_WITH((nn::SqueezeExcite{4, {}, random}),
                    "SqueezeExcite: reduced must be at least 1 (it is 0)\n"
                    "  hint: it is the number of channels between the two layers");
  CHECK_THROWS_WITH((nn::SqueezeExcite{0, {.reduced = 1}, random}),
                    "SqueezeExcite: channels must be at least 1 (it is 0)\n"
                    "  hint: it is the size of axis 1 of x");
}

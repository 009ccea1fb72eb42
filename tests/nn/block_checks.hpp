// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/walker.hpp>

namespace fathom::test {

/// Makes a block float64, and none of its scales, shifts and statistics 0 or 1.
inline void prepare(nn::Module& block) {
  block.to(DType::float64);
  std::uint64_t stream = 100;
  const auto refill = [&](const std::string& path, Array array) {
    const std::string name = path.substr(path.rfind('.') + 1);
    if (name == "gamma" || name == "avg_var")
      array.assign(uniform({1, stream++}, array.shape(), 0.5, 2, DType::float64));
    if (name == "beta" || name == "b" || name == "avg_mean")
      array.assign(uniform({1, stream++}, array.shape(), -1, 1, DType::float64));
  };
  for (const auto& [path, value] : block.named_parameters()) refill(path, value.data());
  for (const auto& [path, value] : block.named_buffers()) refill(path, value);
}

/// Puts variables in the places of a module's parameters, in the order of named_parameters().
class Substitution final : public nn::Walker {
 public:
  explicit Substitution(std::span<const Variable> variables) : next_(variables.begin()) {}
  void parameter(std::string_view /*name*/, Parameter& parameter) override {
    Variable& place = parameter;
    if (parameter.exists()) place = *next_++;
  }

 private:
  std::span<const Variable>::iterator next_;
};

/// Both orders of the gradients of block(x) are those of numbers, x and all parameters being inputs. What
/// drops does so alike in each call. Leaves other variables in the places of the parameters.
inline void check_gradients(nn::Module& block, const Shape& shape, std::uint64_t stream = 21) {
  Arrays inputs{normal(RandomKey{7, stream}, shape, 0.2, 1, DType::float64)};
  for (const auto& [path, value] : block.named_parameters()) inputs.push_back(value.data());
  REQUIRE(inputs.size() > 1);
  const auto f = [&](const Variables& in) {
    Substitution{std::span(in).subspan(1)}.module("", block);
    for (const auto& [path, value] : block.named_buffers()) {
      if (path.ends_with("counter")) Array{value}.assign(Array::zeros({}, DType::int64));
    }
    return block(in[0]);
  };
  const GradientReport first = check_backward(f, inputs);
  INFO(first);
  CHECK(first);
  const GradientReport second = check_double_backward(f, inputs);
  INFO(second);
  CHECK(second);
}

}  // namespace fathom::test

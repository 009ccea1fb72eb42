// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <string>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/summary.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

namespace fathom::test {

inline const nn::SummaryRow& last_of(const nn::Summary& summary, const std::string& prefix) {
  const nn::SummaryRow* found = nullptr;
  for (const nn::SummaryRow& row : summary.rows) {
    if (row.path.starts_with(prefix)) found = &row;
  }
  REQUIRE(found != nullptr);
  return *found;
}

/// Every parameter of a step has a finite gradient.
inline void require_gradients(nn::Module& net, const Shape& shape, std::int64_t classes) {
  const Variable x{normal(RandomKey{3, 1}, shape, 0, 1, DType::float32)};
  const Variable y = net(x);
  REQUIRE(y.shape() == Shape{shape[0], classes});
  Array labels = Array::empty({shape[0]}, DType::int32);
  std::iota(labels.mutable_data<std::int32_t>(), labels.mutable_data<std::int32_t>() + shape[0], 0);
  const Variable loss = ops::softmax_cross_entropy(y, labels);
  backward(loss);
  CHECK(std::isfinite(loss.item()));
  for (const auto& [name, value] : net.named_parameters()) {
    INFO(name);
    REQUIRE(value.grad().defined());
    const float* g = value.grad().data().data<float>();
    CHECK(std::all_of(g, g + value.size(), [](float v) { return std::isfinite(v); }));
    CHECK(std::any_of(g, g + value.size(), [](float v) { return v != 0; }));
  }
}

}  // namespace fathom::test

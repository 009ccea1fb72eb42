// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <fathom/autograd/variable.hpp>
#include <fathom/core/random.hpp>

#include "benchmarks/ops/settings.hpp"

namespace fathom::benchmarks {

/// Normal numbers, the same in every run; `stream` tells the inputs of a problem apart.
inline Array normal_input(const OpSettings& settings, const Shape& shape, std::uint64_t stream) {
  return normal({.seed = 1, .stream = stream}, shape, 0, 1, settings.dtype);
}

/// Requires a gradient in the forward pass, as in training, and where the pass asks for it.
inline Variable make_input(const OpSettings& settings, Array data, Pass pass) {
  return Variable(std::move(data), settings.pass == Pass::forward || settings.pass == pass);
}

inline std::vector<double> doubles(const Array& array) {
  const Array wide = array.astype(DType::float64);
  const auto* data = wide.data<double>();
  return {data, data + wide.size()};
}

template <class... Arrays>
double byte_sum(const Arrays&... arrays) {
  return static_cast<double>((arrays.byte_size() + ...));
}

}  // namespace fathom::benchmarks

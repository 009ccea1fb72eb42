// SPDX-License-Identifier: BSD-3-Clause
// Numbers written by hand, as Variables of one axis.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::test {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

[[nodiscard]] inline Variable variable(const std::vector<double>& values, DType dtype = DType::float64,
                                       bool requires_grad = false) {
  return Variable(Array::from(values, {static_cast<std::int64_t>(values.size())}).astype(dtype),
                  requires_grad);
}

[[nodiscard]] inline Parameter parameter(const std::vector<double>& values) {
  return Parameter(Array::from(values, {static_cast<std::int64_t>(values.size())}));
}

}  // namespace fathom::test

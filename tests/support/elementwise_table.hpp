// SPDX-License-Identifier: BSD-3-Clause
// One table of the elementwise ops whose kernels are compiled for every instruction set, with their
// definitions in double.
#pragma once

#include <functional>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::test {

using Binary = std::function<double(double, double)>;

/// An op of a and b, or of a alone; `value`, and the factors by which gy goes to a and b. `condition`, 1
/// unless given, is how many times as far a rounding inside of the formula throws its result.
struct Elementwise {
  const char* name;
  std::function<Variable(const Variable& a, const Variable& b)> op;
  Binary value, to_a, to_b = {}, condition = {};
};

[[nodiscard]] std::vector<Elementwise> elementwise_table();

}  // namespace fathom::test

// SPDX-License-Identifier: BSD-3-Clause
// One table of all differentiable ops, for the tests that every op must pass.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::test {

struct OpCase {
  std::string name;  ///< op and what is special about the case
  std::function<Variable(const Variables& inputs)> function;
  Arrays inputs;  ///< float64, ten steps away from kinks and ties
};

inline std::ostream& operator<<(std::ostream& out, const OpCase& op) { return out << op.name; }

/// Shuffled multiples of 0.04, none nearer to 0 than 0.02: no kink and no tie within ten steps of 1e-3.
[[nodiscard]] Array distinct(const Shape& shape, std::uint64_t seed);
/// Random sign, magnitude in [0.5, 1.5): for denominators.
[[nodiscard]] Array nonzero(const Shape& shape, std::uint64_t seed);

[[nodiscard]] std::vector<OpCase> op_table();

}  // namespace fathom::test

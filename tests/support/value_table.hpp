// SPDX-License-Identifier: BSD-3-Clause
// Values worked out by hand, for the ops that Chainer does not have and whose values could not be recorded.
#pragma once

#include <support/error_table.hpp>

namespace fathom::test {

struct ValueCase {
  std::string op;
  std::function<Operand(const Operands& in)> function;
  Operands in;
  Array expected;
};

[[nodiscard]] std::vector<ValueCase> value_table();

}  // namespace fathom::test

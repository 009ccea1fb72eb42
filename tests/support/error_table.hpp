// SPDX-License-Identifier: BSD-3-Clause
// One table of what every op refuses and which empty arrays it takes, for the test that every op must pass.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::test {

/// An argument or result of an op: a Variable, or an Array where the op takes or gives data.
struct Operand {
  Operand(Variable value) : variable(std::move(value)) {}
  Operand(Array value) : array(std::move(value)) {}
  operator const Variable&() const { return variable; }
  operator const Array&() const { return array; }
  [[nodiscard]] const Shape& shape() const { return variable.defined() ? variable.shape() : array.shape(); }
  Variable variable;
  Array array;
};
using Operands = std::vector<Operand>;

enum class ArgumentKind : std::uint8_t {
  variable,
  optional,  ///< a Variable that may be undefined
  labels,    ///< an Array of int64, all of them 0
  data,      ///< an Array of the dtype of the variables
  mask,      ///< an Array of bool
};

struct Argument {
  std::string name;
  Shape shape;  ///< one that fits
  ArgumentKind kind = ArgumentKind::variable;
};

struct ErrorCase {
  struct Refused {
    std::string what;
    std::vector<Shape> shapes;  ///< of all arguments
  };
  struct Empty {
    std::vector<Shape> shapes;  ///< of all arguments, some without elements
    Shape result;
  };
  std::string op;
  std::vector<Argument> arguments;
  std::function<Operand(const Operands& in)> function;
  bool any_rank = false;  ///< takes arguments of every rank
  bool any_size = false;  ///< takes every size
  /// Each is a ShapeError or ValueError that names op and argument.
  std::vector<Refused> refused = {};
  /// Each is legal: this shape comes out, and gradients have the shapes of what went in.
  std::vector<Empty> empty = {};
};

[[nodiscard]] std::vector<ErrorCase> error_table();

/// Whether an argument of another rank, or of the same rank and another size, or one without elements is in
/// the case.
[[nodiscard]] bool covers_rank(const ErrorCase& c);
[[nodiscard]] bool covers_size(const ErrorCase& c);
[[nodiscard]] bool covers_empty(const ErrorCase& c);

}  // namespace fathom::test

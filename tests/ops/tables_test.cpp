// SPDX-License-Identifier: BSD-3-Clause
// The tables that every public op must be in; tests/structure/ops.cmake compares them with the headers.
#include <support/error_table.hpp>
#include <support/op_table.hpp>
#include <support/value_table.hpp>

#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include <fathom/autograd/function.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;

namespace {

/// The op that a function calls, by its own word: without its inputs it refuses, and says who refuses.
template <class Function, class Inputs>
std::string called_by(const Function& function, const Inputs& undefined) {
  try {
    (void)function(undefined);
  } catch (const Error& error) {
    const std::string text = error.what();
    return text.substr(0, text.find(':'));
  }
  return {};
}

/// The same for the first op that a case calls, and the node that it ends with.
std::set<std::string> called_by(const test::OpCase& c) {
  Variables xs;
  for (const Array& input : c.inputs) xs.emplace_back(input, true);
  return {called_by(c.function, Variables(c.inputs.size())), std::string(c.function(xs).creator()->name())};
}

std::string called_by(const test::ValueCase& c) {
  test::Operands undefined;
  for (const test::Operand& in : c.in) {
    undefined.push_back(in.variable.defined() ? test::Operand(Variable{}) : test::Operand(Array{}));
  }
  return called_by(c.function, undefined);
}

}  // namespace

TEST_CASE("values worked out by hand", "[value_table]") {
  const auto c = GENERATE(from_range(test::value_table()));
  INFO(c.op);
  CHECK(called_by(c) == c.op);
  const test::Operand y = c.function(c.in);
  CHECK(identical(y.variable.defined() ? y.variable.data() : y.array, c.expected));
}

// Hidden: it prints for another test.
TEST_CASE("ops of the tables", "[.coverage]") {
  std::set<std::string> lines;
  for (const test::OpCase& c : test::op_table()) {
    for (const std::string& op : called_by(c)) lines.insert("gradients: " + op);
  }
  for (const test::ValueCase& c : test::value_table()) lines.insert("value: " + called_by(c));
  for (const test::ErrorCase& c : test::error_table()) lines.insert("errors: " + c.op);
  for (const std::string& line : lines) std::cout << line << '\n';
  CHECK(lines.size() > 3);
}

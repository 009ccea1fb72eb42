// SPDX-License-Identifier: BSD-3-Clause
// What every op refuses, and that it says so: op, arguments, a hint; nothing is allocated by then.
#include <support/error_table.hpp>

#include <catch2/catch.hpp>
#include <regex>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using test::ArgumentKind;

namespace {

bool is_variable(ArgumentKind kind) {
  return kind == ArgumentKind::variable || kind == ArgumentKind::optional;
}

test::Operand make(ArgumentKind kind, const Shape& shape, DType dtype) {
  if (kind == ArgumentKind::labels) return Array::zeros(shape, DType::int64);
  if (kind == ArgumentKind::mask) return Array::ones(shape, DType::boolean);
  const Array ones = Array::ones(shape, dtype);
  if (is_variable(kind)) return Variable{ones, true};
  return ones;
}

test::Operands make_all(const test::ErrorCase& c, const std::vector<Shape>& shapes) {
  REQUIRE(shapes.size() == c.arguments.size());
  test::Operands result;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    result.push_back(make(c.arguments[i].kind, shapes[i], DType::float32));
  }
  return result;
}

std::vector<Shape> fitting(const test::ErrorCase& c) {
  std::vector<Shape> shapes;
  for (const test::Argument& argument : c.arguments) shapes.push_back(argument.shape);
  return shapes;
}

/// Calls the op, which must throw one of the Es, and checks the text and that no memory was kept.
template <class... E>
void check_refused(const test::ErrorCase& c, const test::Operands& in) {
  const MemoryStatistics before = memory_statistics();
  std::string text = "no error";
  bool is_expected = false;
  try {
    const test::Operand y = c.function(in);
  } catch (const Error& error) {
    text = error.what();
    is_expected = (... || (dynamic_cast<const E*>(&error) != nullptr));
  }
  CHECK(memory_statistics().bytes_in_use == before.bytes_in_use);
  INFO(text);
  CHECK(is_expected);
  CHECK(text.starts_with(c.op + ": "));
  bool names_an_argument = false;
  for (const test::Argument& argument : c.arguments) {
    if (std::regex_search(text, std::regex("\\b" + argument.name + "\\b"))) names_an_argument = true;
  }
  CHECK(names_an_argument);
  CHECK(text.find("\n  hint: ") != std::string::npos);
}

}  // namespace

TEST_CASE("every row of the error table has something to refuse", "[error_table]") {
  const auto c = GENERATE(from_range(test::error_table()));
  INFO(c.op);
  CHECK(test::covers_rank(c));
  CHECK(test::covers_size(c));
  CHECK(test::covers_empty(c));
  CHECK_NOTHROW(c.function(make_all(c, fitting(c))));
}

TEST_CASE("every op names the undefined argument", "[error_table]") {
  const auto c = GENERATE(from_range(test::error_table()));
  for (std::size_t i = 0; i < c.arguments.size(); ++i) {
    INFO(c.op << " without " << c.arguments[i].name);
    test::Operands in = make_all(c, fitting(c));
    if (c.arguments[i].kind == ArgumentKind::data || c.arguments[i].kind == ArgumentKind::optional) {
      in[i] = is_variable(c.arguments[i].kind) ? test::Operand(Variable{}) : test::Operand(Array{});
      if (c.arguments[i].kind == ArgumentKind::optional) CHECK_NOTHROW(c.function(in));
      continue;
    }
    in[i] = is_variable(c.arguments[i].kind) ? test::Operand(Variable{}) : test::Operand(Array{});
    check_refused<GraphError>(c, in);
  }
}

TEST_CASE("every op refuses mixed types", "[error_table]") {
  const auto c = GENERATE(from_range(test::error_table()));
  for (std::size_t i = 0; i < c.arguments.size(); ++i) {
    INFO(c.op << " with another dtype of " << c.arguments[i].name);
    test::Operands in = make_all(c, fitting(c));
    const bool is_float = is_variable(c.arguments[i].kind);
    in[i] = make(is_float ? c.arguments[i].kind : ArgumentKind::data, c.arguments[i].shape, DType::float64);
    if (c.arguments.size() == 1) {
      CHECK(c.function(in).shape() == c.function(make_all(c, fitting(c))).shape());
    } else {
      check_refused<DTypeError>(c, in);
    }
  }
}

TEST_CASE("every op refuses wrong ranks and sizes", "[error_table]") {
  const auto c = GENERATE(from_range(test::error_table()));
  for (const auto& refused : c.refused) {
    INFO(c.op << " with " << refused.what);
    check_refused<ShapeError, ValueError>(c, make_all(c, refused.shapes));
  }
}

TEST_CASE("empty arrays give empty arrays, sums of nothing, and gradients of their own shape",
          "[error_table]") {
  const auto c = GENERATE(from_range(test::error_table()));
  for (const auto& empty : c.empty) {
    INFO(c.op << " giving " << empty.result);
    const test::Operands in = make_all(c, empty.shapes);
    const test::Operand y = c.function(in);
    CHECK(y.shape() == empty.result);
    if (!y.variable.defined()) continue;
    backward(ops::sum(y.variable));
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!is_variable(c.arguments[i].kind)) continue;
      REQUIRE(in[i].variable.grad().defined());
      CHECK(in[i].variable.grad().shape() == empty.shapes[i]);
    }
  }
}

TEST_CASE("an array of integers is no Variable", "[error_table]") {
  const DType dtype = GENERATE(DType::int64, DType::int32, DType::uint8, DType::boolean);
  CHECK_THROWS_AS(Variable{Array::zeros({2}, dtype)}, DTypeError);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <support/op_table.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/gradient_check.hpp>
#include <fathom/ops/activation.hpp>

using namespace fathom;
using Catch::Matchers::Contains;

TEST_CASE("every op's gradient agrees with the numeric one", "[gradients]") {
  const auto op = GENERATE(from_range(test::op_table()));
  INFO(op);
  const GradientReport report = check_backward(op.function, op.inputs, {.every_element = true});
  INFO(report);
  CHECK(report);
}

TEST_CASE("every op's second-order gradient agrees with the numeric one", "[gradients]") {
  const auto op = GENERATE(from_range(test::op_table()));
  INFO(op);
  const GradientReport report = check_double_backward(op.function, op.inputs);
  INFO(report);
  CHECK(report);
}

TEST_CASE("a kink is reported, not taken for a wrong gradient", "[gradients][relu]") {
  const GradientReport report = check_backward([](const Variables& in) { return ops::relu(in[0]); },
                                               {Array::from({-1.0, 0.0, 2.0}, {3})});
  CHECK_FALSE(report);
  CHECK_THAT(report.text, Contains("not differentiable"));
}

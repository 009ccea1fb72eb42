// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cmath>
#include <memory>

#include <fathom/ops/activation.hpp>
#include <fathom/ops/arithmetic.hpp>

#include "benchmarks/ops/inputs.hpp"
#include "benchmarks/ops/problem.hpp"
#include "support/tolerance.hpp"

namespace fathom::benchmarks {
namespace {

Variable apply(const OpSettings& settings, const Variable& x, const Variable& other) {
  if (settings.op == "add") return ops::add(x, other);
  return settings.op == "relu" ? ops::relu(x) : ops::relu6(x);
}

double expect(const OpSettings& settings, double x, double other, double gy) {
  if (settings.op == "add") return settings.pass == Pass::forward ? x + other : gy;
  const double top = settings.op == "relu6" ? 6 : HUGE_VAL;
  if (settings.pass == Pass::forward) return std::clamp(x, 0.0, top);
  return x > 0 && x < top ? gy : 0;
}

}  // namespace

OpProblem make_elementwise_problem(const OpSettings& settings) {
  const Variable x = make_input(settings, normal_input(settings, settings.shape, 0), Pass::backward_x);
  Variable other;  // the second summand, which takes the place of parameters
  if (settings.op == "add") {
    other = make_input(settings, normal_input(settings, settings.shape, 1), Pass::backward_w);
  }
  OpProblem problem;
  problem.apply = [=] { return apply(settings, x, other); };
  problem.gy = Variable(normal_input(settings, settings.shape, 3));
  problem.flops = static_cast<double>(x.size());
  // add's backward has nothing to read but gy, which may become the result as it is.
  const double arrays =
      settings.pass == Pass::forward ? (other.defined() ? 3 : 2) : (other.defined() ? 2 : 3);
  problem.bytes = arrays * byte_sum(x.data());
  if (settings.pass == Pass::backward_x) problem.inputs = {x};
  if (settings.pass == Pass::backward_w) problem.inputs = {other};
  problem.expect = [=, gy = problem.gy]() -> Expectation {
    auto values = std::make_shared<const std::array<std::vector<double>, 3>>(std::array{
        doubles(x.data()), doubles(other.defined() ? other.data() : x.data()), doubles(gy.data())});
    return [=](std::size_t, std::int64_t index) {
      const auto i = static_cast<std::size_t>(index);
      const double value = expect(settings, (*values)[0][i], (*values)[1][i], (*values)[2][i]);
      return Expected{value, test::element_tolerance(settings.dtype) * std::abs(value)};
    };
  };
  return problem;
}

}  // namespace fathom::benchmarks

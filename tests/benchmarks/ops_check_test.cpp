// SPDX-License-Identifier: BSD-3-Clause
// bench_ops times nothing that is wrong: its comparison lets an op's own results pass and no others.
#include <catch2/catch.hpp>

#include <cmath>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <fathom/core/error.hpp>

#include "benchmarks/ops/check.hpp"

namespace fathom::benchmarks {
namespace {

std::vector<std::string> split(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// Results of which element `index` of the one numbered `which` is `value`.
Variables with_element(const Variables& results, std::size_t which, std::int64_t index, double value) {
  Variables changed = results;
  Array values = results[which].data().astype(DType::float64).copy();
  values.mutable_data<double>()[index] = value;
  changed[which] = Variable(values);
  return changed;
}

TEST_CASE("bench_ops accepts an op's results and rejects any wrong element", "[benchmarks]") {
  const std::string op = GENERATE(
      "depthwise_convolution_2d --shape 2,3,5,4 --stride 2 --bias",
      "convolution_2d --shape 2,4,5,4 --out-channels 4 --groups 2", "linear --shape 3,8 --out-channels 5",
      "batch_normalization --shape 2,3,5,4 --activation relu6 --residual",
      "batch_normalization --shape 2,3,5,4", "relu --shape 2,3,5,4", "relu6 --shape 2,3,5,4",
      "add --shape 2,3,5,4", "max_pooling_2d --shape 2,3,5,4",
      "max_pooling_2d --shape 2,3,5,4 --kernel 1 --stride 3 --cover-all",
      "average_pooling_2d --shape 2,3,5,4 --kernel 3 --pad 1", "global_average_pooling_2d --shape 2,3,5,4",
      "softmax_cross_entropy --shape 5,7");
  const std::string pass = GENERATE("forward", "backward_x", "backward_w");
  const bool has_parameters = op.find("convolution") != std::string::npos || op.rfind("linear", 0) == 0 ||
                              op.rfind("batch", 0) == 0 || op.rfind("add", 0) == 0;
  if (pass == "backward_w" && !has_parameters) return;
  CAPTURE(op, pass);

  const OpSettings settings = parse_op_settings(split("--op " + op + " --pass " + pass));
  const OpProblem problem = make_problem(settings);
  const Variables y = problem.inputs.empty() ? Variables{} : Variables{problem.apply()};
  const Variables results = run_pass(problem, y);
  REQUIRE_FALSE(results.empty());
  CHECK_NOTHROW(check(settings, problem, results));

  const Expectation expected = problem.expect();
  for (std::size_t which = 0; which < results.size(); ++which) {
    for (std::int64_t i = 0; i < results[which].size(); ++i) {
      const auto [value, tolerance] = expected(which, i);
      CAPTURE(which, i, value, tolerance);
      CHECK_THROWS_AS(
          check(settings, problem, with_element(results, which, i, std::numeric_limits<double>::quiet_NaN())),
          Error);
      if (!std::isfinite(tolerance)) continue;  // at a kink rounding may put it on either side
      // Twice what rounding explains; the smallest step where nothing is rounded.
      const double wrong = tolerance > 0 ? value + 2 * tolerance : std::nextafter(value, HUGE_VAL);
      CHECK_THROWS_AS(check(settings, problem, with_element(results, which, i, wrong)), Error);
    }
  }
}

}  // namespace
}  // namespace fathom::benchmarks

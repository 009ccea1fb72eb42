// SPDX-License-Identifier: BSD-3-Clause
#include "benchmarks/ops/problem.hpp"

#include <span>
#include <string_view>

#include <fathom/autograd/backward.hpp>

namespace fathom::benchmarks {

OpProblem make_problem(const OpSettings& settings) {
  const std::string_view op = settings.op;
  if (op.ends_with("convolution_2d") || op == "linear") return make_convolution_problem(settings);
  if (op == "batch_normalization") return make_batch_normalization_problem(settings);
  if (op == "softmax_cross_entropy") return make_softmax_cross_entropy_problem(settings);
  if (op.ends_with("pooling_2d")) return make_pooling_problem(settings);
  return make_elementwise_problem(settings);
}

Variables run_pass(const OpProblem& problem, const Variables& y) {
  if (y.empty()) return {problem.apply()};
  return grad(y, problem.inputs, std::span(&problem.gy, 1), {.retain_graph = true});
}

}  // namespace fathom::benchmarks

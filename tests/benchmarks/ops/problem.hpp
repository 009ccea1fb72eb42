// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <fathom/autograd/variable.hpp>

#include "benchmarks/ops/settings.hpp"

namespace fathom::benchmarks {

/// What plain loops in double give for one element of a result, and how far the op may lie from it.
struct Expected {
  double value, tolerance;
};

/// For an element of the result (forward) or of the gradient of inputs[which].
using Expectation = std::function<Expected(std::size_t which, std::int64_t index)>;

/// An op with its inputs.
struct OpProblem {
  std::function<Variable()> apply;      ///< calls the public op
  Variables inputs;                     ///< what the pass differentiates with respect to; empty for `forward`
  Variable gy;                          ///< gradient that backward starts from
  double flops = 0;                     ///< of the pass; a multiply-add counts 2, taps on padding included
  double bytes = 0;                     ///< of the arrays that the pass has to read or write, each once
  std::function<Expectation()> expect;  ///< prepares the reference
  std::int64_t terms = 1;               ///< how many products an expected element takes
};

[[nodiscard]] OpProblem make_convolution_problem(const OpSettings& settings);  ///< also depthwise and linear
[[nodiscard]] OpProblem make_batch_normalization_problem(const OpSettings& settings);
[[nodiscard]] OpProblem make_elementwise_problem(const OpSettings& settings);  ///< relu, relu6, add
[[nodiscard]] OpProblem make_pooling_problem(const OpSettings& settings);
[[nodiscard]] OpProblem make_softmax_cross_entropy_problem(const OpSettings& settings);
/// Whichever of these has settings.op.
[[nodiscard]] OpProblem make_problem(const OpSettings& settings);

/// The result of `apply`, or the gradients of a graph `y` that it made before.
[[nodiscard]] Variables run_pass(const OpProblem& problem, const Variables& y);

}  // namespace fathom::benchmarks

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "benchmarks/ops/problem.hpp"

namespace fathom::benchmarks {

/// Compares the results of a pass with plain loops in double: all elements, or as many as take no longer than
/// some 10 million products. Throws Error, which names the element, for one that lies further off than
/// rounding explains.
void check(const OpSettings& settings, const OpProblem& problem, const Variables& results);

}  // namespace fathom::benchmarks

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// What is computed again. Modules are given as `std::ref(block)`.
using CheckpointedFunction = std::function<Variable(const Variable& x)>;
using CheckpointedFunctions = std::function<Variables(const Variables& xs)>;

/// function(x), of which nothing is kept for backward but x: `function` runs again when its gradients are
/// asked for. Costs one more forward of it, saves the memory of all that lies inside. Gradients are those of
/// function(x) itself, to the bit, of any order; what a variable gets from several places is added up inside
/// first. Parameters that `function` uses get theirs as always. Without a graph it is function(x).
///
/// `function` must do the same both times and live until backward; what it captures by reference too. Running
/// statistics move once, nn::Dropout drops the same elements (other states: `is_recomputing`, `repeated`).
/// Checkpoints may nest. An exception in the second run leaves the gradients of all leaves as they were.
///
/// @param x any shape, any float type; `xs` several of them
/// @throws GraphError for an undefined x or result, and if `function` uses the result of a graph outside that
/// is no argument; in backward if it did something else the second time, or its arguments or parameters were
/// changed meanwhile. ValueError for an empty function
/// Source: T. Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016.
[[nodiscard]] FATHOM_EXPORT Variable checkpoint(const CheckpointedFunction& function, const Variable& x);
[[nodiscard]] FATHOM_EXPORT Variables checkpoint(const CheckpointedFunctions& function, const Variables& xs);

}  // namespace fathom::ops

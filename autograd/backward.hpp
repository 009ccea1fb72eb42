// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include <fathom/autograd/variable.hpp>

namespace fathom {

struct BackwardOptions {
  bool retain_graph = false;  ///< keep what the functions saved, so that backward can run again
  bool create_graph =
      false;  ///< record the gradients' own graph, for higher derivatives; implies retain_graph
};

/// Adds dy/dleaf to the gradient of every leaf that `y` depends on. `y` must have one element (ShapeError),
/// and a graph (GraphError). If a function or hook throws, no leaf's gradient has changed; what ran before it
/// is released unless `retain_graph`.
FATHOM_EXPORT void backward(const Variable& y, const BackwardOptions& options = {});
/// The same for several outputs of any shape, started from `gys` (shapes and dtypes as ys; undefined: ones
/// for a single element).
FATHOM_EXPORT void backward(std::span<const Variable> ys, std::span<const Variable> gys,
                            const BackwardOptions& options = {});

/// Gradients of sum(ys * gys) with respect to `xs`, leaves or not; undefined for one that nothing reaches. No
/// leaf's `grad()` changes. Empty `gys` means ones for single elements.
[[nodiscard]] FATHOM_EXPORT Variables grad(std::span<const Variable> ys, std::span<const Variable> xs,
                                           std::span<const Variable> gys = {},
                                           const BackwardOptions& options = {});
[[nodiscard]] inline Variables grad(std::initializer_list<Variable> ys, std::initializer_list<Variable> xs,
                                    std::initializer_list<Variable> gys = {},
                                    const BackwardOptions& options = {}) {
  return grad(std::span(ys.begin(), ys.size()), std::span(xs.begin(), xs.size()),
              std::span(gys.begin(), gys.size()), options);
}

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom {

struct GraphDotOptions {
  /// Names for leaves, `net.named_parameters()` for one.
  std::vector<NamedVariable> names = {};
  bool attributes = true;  ///< options of functions, as stride and pad
  bool shapes = true;      ///< dtypes and shapes of what flows along the edges
  bool modules = true;     ///< a frame around the functions of one module, where their paths are known
};

/// The graph behind `outputs` as Graphviz text, for `dot -Tsvg`: functions are boxes, leaves ellipses,
/// outputs double ellipses. Inputs that need no gradient are not part of a graph. Functions know their
/// modules if they were applied within a KeepModulePathsScope. Numbers go by the order in which functions
/// were applied, so equal programs give equal texts.
///
/// Throws GraphError for an undefined output.
[[nodiscard]] FATHOM_EXPORT std::string graph_dot(std::span<const Variable> outputs,
                                                  const GraphDotOptions& options = {});
[[nodiscard]] inline std::string graph_dot(const Variable& output, const GraphDotOptions& options = {}) {
  return graph_dot(std::span(&output, 1), options);
}

}  // namespace fathom

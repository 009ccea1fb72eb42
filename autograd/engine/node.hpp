// SPDX-License-Identifier: BSD-3-Clause
// Internal to autograd: what is behind a Variable.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::detail {

/// A place in the graph. It holds no array data, so that a graph keeps alive only what its functions retain.
struct Node {
  Shape shape;
  DType dtype = DType::float32;
  std::shared_ptr<Function> creator;  // null for leaves
  std::size_t output_index = 0;       // which of the creator's outputs
  std::weak_ptr<VariableState>
      leaf;  // where a leaf's gradient goes; weak, or a gradient's graph would own itself
  std::vector<GradientHook> hooks;
};

/// What copies of one Variable share.
struct VariableState {
  Array data;
  std::shared_ptr<Node> node;  // null: no gradient is wanted
  Array gradient;              // its buffer survives zero_grad
  bool has_gradient = false;
  Variable gradient_graph;  // the gradient as a part of a graph, after create_graph
};

}  // namespace fathom::detail

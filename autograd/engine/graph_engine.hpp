// SPDX-License-Identifier: BSD-3-Clause
// Internal to autograd: what runs behind backward() and grad().
#pragma once

#include <memory_resource>
#include <queue>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/engine/node.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/autograd/recomputation.hpp>

namespace fathom::detail {

/// The gradient of one variable so far: an array, and its graph when one is recorded.
struct Gradient {
  Array array;  // not `filled`: a buffer that may be reused, or nothing
  bool filled = false;
  Variable graph;

  [[nodiscard]] Variable variable() const {
    if (!filled) return {};
    return graph.defined() ? graph : Variable(array);
  }
};

/// Whether hooks of the variables whose gradients are asked for run.
enum class TargetHooks : std::uint8_t { run, leave };

/// One run of backward() or grad(). Functions are visited once, later ones first, when all gradients of their
/// outputs are complete.
class GraphEngine {
 public:
  GraphEngine(const BackwardOptions& options, std::span<const Variable> targets,
              TargetHooks hooks = TargetHooks::run)
      : create_graph_(options.create_graph),
        retain_graph_(options.retain_graph || options.create_graph),
        target_hooks_(hooks) {
    for (const Variable& target : targets) targets_.insert(target.state_->node.get());
  }

  void start(std::span<const Variable> ys, std::span<const Variable> gys);
  void run();
  /// Adds what reached the leaves to their gradients. Everything that can fail has been done before.
  void commit();
  [[nodiscard]] Variable result(const Variable& target) const;

  [[nodiscard]] static Captured captured(std::span<const Variable> ys, std::span<const Variable> arguments,
                                         std::uint64_t since);

 private:
  using FunctionOrder = std::pair<std::pair<std::uint64_t, std::uint64_t>, Function*>;
  static FunctionOrder order(Function* f) { return {{f->rank_, f->serial_}, f}; }

  void find_needed(std::span<const Variable> ys);
  [[nodiscard]] bool is_wanted(const Node* node) const;
  Gradient& reach(const std::shared_ptr<Node>& node);
  void visit(Function& f);
  bool take_gradients(const Function& f);
  void call_arrays(Function& f, const Wanted& wanted, std::span<const Variable> gys);
  void call_variables(Function& f, const Wanted& wanted, std::span<const Variable> gys);
  static void require_fits(const Function& f, std::size_t input, const Node& node, const Array& gradient);
  void add(Gradient& total, const Variable& gradient) const;
  static void add_array(Gradient& total, Array gradient);
  void finish(Node& node, Gradient& gradient);

  bool create_graph_;
  bool retain_graph_;
  TargetHooks target_hooks_;
  std::unordered_set<const Node*> targets_;     // empty: all leaves
  std::unordered_set<const Function*> needed_;  // those that lead to a target
  // Entries come and go with every function; their memory is taken once.
  std::pmr::unsynchronized_pool_resource entries_;
  std::pmr::unordered_map<const Node*, Gradient> gradients_{
      &entries_};  // incomplete ones, and those of ends_
  std::unordered_map<const Node*, Variable> results_;
  std::vector<std::shared_ptr<Node>> ends_;  // leaves, and targets that lead to no other target
  std::priority_queue<FunctionOrder> queue_;
  std::unordered_set<const Function*> queued_;  // of those with several outputs

  // Of the function being visited; here, so that they do not take memory for each.
  std::vector<Gradient> gys_;        // one for each output
  Arrays gy_arrays_;                 // the same for backward_arrays, whose only holder is this
  std::vector<GradientSink> sinks_;  // one for each input
  std::vector<Gradient*> given_;     // where the sinks collect; null where not wanted
  std::vector<Gradient> apart_;      // those that do not collect in gradients_ at once
};

}  // namespace fathom::detail

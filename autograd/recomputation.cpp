// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/recomputation.hpp>

#include <algorithm>
#include <unordered_set>

#include <fathom/autograd/engine/graph_engine.hpp>
#include <fathom/core/error.hpp>

namespace fathom {

namespace {
thread_local detail::RepeatedStatesScope* innermost = nullptr;
}  // namespace

bool is_recomputing() {
  for (const auto* scope = innermost; scope != nullptr; scope = scope->outer_) {
    if (scope->notes_ == nullptr) return true;
  }
  return false;
}

std::uint64_t repeated(std::uint64_t state) {
  // From the outermost on: the first that repeats decides, and those inside of it note what it says.
  std::vector<detail::RepeatedStatesScope*> scopes;
  for (auto* scope = innermost; scope != nullptr; scope = scope->outer_) scopes.push_back(scope);
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) state = (*scope)->pass(state);
  return state;
}

namespace detail {

RepeatedStatesScope::RepeatedStatesScope(std::vector<std::uint64_t>& notes)
    : notes_(&notes), outer_(innermost) {
  innermost = this;
}

RepeatedStatesScope::RepeatedStatesScope(const std::vector<std::uint64_t>& noted)
    : noted_(noted), outer_(innermost) {
  innermost = this;
}

RepeatedStatesScope::~RepeatedStatesScope() { innermost = outer_; }

std::uint64_t RepeatedStatesScope::pass(std::uint64_t state) {
  if (notes_ != nullptr) {
    notes_->push_back(state);
    return state;
  }
  if (noted_.empty()) {
    throw GraphError(
        "repeated: a function that runs again asks for more states than when it ran first\n  hint: it must "
        "do the same both times; switch between train() and eval() after backward()");
  }
  const std::uint64_t first = noted_.front();
  noted_ = noted_.subspan(1);
  return first;
}

Captured captured(std::span<const Variable> ys, std::span<const Variable> arguments, std::uint64_t since) {
  return GraphEngine::captured(ys, arguments, since);
}

Variables gradients_without_hooks(std::span<const Variable> ys, std::span<const Variable> xs,
                                  std::span<const Variable> gys, const BackwardOptions& options) {
  GraphEngine engine(options, xs, TargetHooks::leave);
  engine.start(ys, gys);
  engine.run();
  Variables results;
  for (const Variable& x : xs) results.push_back(engine.result(x));
  return results;
}

// A member of the engine, which may look inside Variables and Functions.
Captured GraphEngine::captured(std::span<const Variable> ys, std::span<const Variable> arguments,
                               std::uint64_t since) {
  Captured found;
  std::unordered_set<const Node*> seen;
  for (const Variable& argument : arguments) seen.insert(argument.state_->node.get());
  std::vector<std::shared_ptr<Node>> stack;
  const auto push = [&](const std::shared_ptr<Node>& node) {
    if (node != nullptr && seen.insert(node.get()).second) stack.push_back(node);
  };
  for (const Variable& y : ys) push(y.state_->node);
  while (!stack.empty()) {
    const std::shared_ptr<Node> node = std::move(stack.back());
    stack.pop_back();
    if (node->creator == nullptr) {
      std::shared_ptr<VariableState> leaf = node->leaf.lock();
      if (leaf == nullptr || leaf->node != node) continue;  // of the function's own, and gone
      found.leaves.push_back(Variable(std::move(leaf)));
      found.nodes.push_back(node);
    } else if (node->creator->serial_ <= since) {
      found.outside = node->creator;
    } else {
      for (const std::shared_ptr<Node>& input : node->creator->inputs_) push(input);
    }
  }
  return found;
}

}  // namespace detail
}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/engine/graph_engine.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/autograd/engine/hook_list.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>

namespace fathom {
namespace {

/// Adds two gradients of one variable where the graph forks. It stands here and not in ops because the engine
/// needs it and gradients always have equal shapes.
class AddGradients final : public Function {
 public:
  std::string_view name() const override { return "add_gradients"; }
  Arrays forward(std::span<const Array> gradients) override {
    Array total = gradients[0].copy();
    add_into(total, gradients[1]);
    return {total};
  }
  Variables backward(const Wanted&, std::span<const Variable> gys) override { return {gys[0], gys[0]}; }
};

void call_after_backward(const Function& f, std::span<const Variable> gys, std::span<const Variable> gxs) {
  const std::vector<FunctionHook*> hooks = detail::function_hooks();
  for (auto hook = hooks.rbegin(); hook != hooks.rend(); ++hook) (*hook)->after_backward(f, gys, gxs);
}

}  // namespace

namespace detail {

void GraphEngine::start(std::span<const Variable> ys, std::span<const Variable> gys) {
  const RecordingScope scope(create_graph_);
  if (!targets_.empty()) find_needed(ys);
  for (std::size_t i = 0; i < ys.size(); ++i) {
    const std::shared_ptr<Node>& node = ys[i].state_->node;
    if (node == nullptr || !is_wanted(node.get())) continue;
    add(reach(node), gys[i]);
  }
}

// Walks down from ys, then marks upwards in the order of creation.
void GraphEngine::find_needed(std::span<const Variable> ys) {
  std::vector<FunctionOrder> found;
  std::unordered_set<const Function*> seen;
  std::vector<Function*> stack;
  const auto push = [&](const std::shared_ptr<Node>& node) {
    if (node != nullptr && node->creator != nullptr && seen.insert(node->creator.get()).second) {
      stack.push_back(node->creator.get());
    }
  };
  for (const Variable& y : ys) push(y.state_->node);
  while (!stack.empty()) {
    Function* f = stack.back();
    stack.pop_back();
    found.push_back(order(f));
    for (const std::shared_ptr<Node>& input : f->inputs_) push(input);
  }
  std::sort(found.begin(), found.end());
  for (const FunctionOrder& entry : found) {
    const auto& inputs = entry.second->inputs_;
    if (std::any_of(inputs.begin(), inputs.end(),
                    [&](const auto& input) { return is_wanted(input.get()); })) {
      needed_.insert(entry.second);
    }
  }
}

bool GraphEngine::is_wanted(const Node* node) const {
  if (node == nullptr) return false;
  if (targets_.empty()) return true;
  return targets_.contains(node) || (node->creator != nullptr && needed_.contains(node->creator.get()));
}

/// The gradient of `node`, to which one is about to be added.
Gradient& GraphEngine::reach(const std::shared_ptr<Node>& node) {
  const auto [entry, is_new] = gradients_.try_emplace(node.get());
  Gradient& gradient = entry->second;
  if (!is_new) return gradient;
  Function* creator = node->creator.get();
  if (creator != nullptr && (targets_.empty() || needed_.contains(creator))) {
    if (creator->outputs_.size() == 1 || queued_.insert(creator).second) queue_.push(order(creator));
    return gradient;
  }
  ends_.push_back(node);
  const std::shared_ptr<VariableState> leaf = node->leaf.lock();
  // An empty gradient's buffer is lent to the run. A filled one is left alone until commit.
  if (targets_.empty() && leaf != nullptr && !leaf->has_gradient) {
    gradient.array = std::exchange(leaf->gradient, {});
  }
  return gradient;
}

void GraphEngine::run() {
  const RecordingScope scope(create_graph_);
  while (!queue_.empty()) {
    Function* f = queue_.top().second;
    queue_.pop();
    visit(*f);
  }
  for (const std::shared_ptr<Node>& end : ends_) {
    Gradient& gradient = gradients_.at(end.get());
    if (gradient.filled) finish(*end, gradient);
  }
  if (!targets_.empty()) gradients_.clear();  // the results are the only holders now
}

/// Runs the hooks of a complete gradient and notes it when it was asked for.
void GraphEngine::finish(Node& node, Gradient& gradient) {
  std::vector<GradientHook> hooks = node.hooks;  // a hook may add hooks
  if (target_hooks_ == TargetHooks::leave && targets_.contains(&node)) hooks.clear();
  for (const GradientHook& hook : hooks) {
    const Variable replacement = hook(gradient.variable());
    if (!replacement.defined()) continue;
    if (replacement.shape() != node.shape || replacement.dtype() != node.dtype) {
      throw ShapeError(
          fmt::format("on_grad: a hook must return a gradient of {} {} (it returned {})\n  hint: return "
                      "Variable{{}} to leave the gradient as it is",
                      to_string(node.dtype), to_string(node.shape), describe(replacement.data())));
    }
    gradient = {};
    add(gradient, replacement);
  }
  if (targets_.contains(&node)) results_[&node] = gradient.variable();
}

void GraphEngine::visit(Function& f) {
  if (f.released_) f.throw_released();
  // Functions above may have left all sinks unwritten: a gradient of zero.
  if (!take_gradients(f)) return;
  Wanted wanted;
  for (std::size_t i = 0; i < f.inputs_.size(); ++i) {
    if (is_wanted(f.inputs_[i].get())) wanted.set(i);
  }
  const InBackwardScope in_backward(f);
  const std::vector<FunctionHook*> hooks = function_hooks();
  const bool by_arrays = !create_graph_ && f.has_backward_arrays();
  Variables gys;
  if (!by_arrays || !hooks.empty()) {
    for (const Gradient& gy : gys_) gys.push_back(gy.variable());
  }
  for (FunctionHook* hook : hooks) hook->before_backward(f, gys);
  by_arrays ? call_arrays(f, wanted, gys) : call_variables(f, wanted, gys);
  if (!retain_graph_) {
    f.saved_.clear();
    f.released_ = true;
  } else {
    f.forget_recomputed();
  }
}

/// Moves the gradients of the outputs to gys_; false when none has come.
bool GraphEngine::take_gradients(const Function& f) {
  gys_.clear();
  gys_.resize(f.outputs_.size());
  bool any = false;
  for (std::size_t i = 0; i < gys_.size(); ++i) {
    const std::shared_ptr<Node> node = f.outputs_[i].lock();
    if (node == nullptr) continue;
    const auto found = gradients_.find(node.get());
    if (found == gradients_.end() || !found->second.filled) continue;
    finish(*node, found->second);
    gys_[i] = std::move(found->second);
    gradients_.erase(found);
    any = true;
  }
  return any;
}

/// A gradient of another shape would be read out of bounds by whoever trusts the parameter's.
void GraphEngine::require_fits(const Function& f, std::size_t input, const Node& node,
                               const Array& gradient) {
  if (gradient.shape() == node.shape && gradient.dtype() == node.dtype) return;
  throw ShapeError(fmt::format(
      "{}: the gradient of input {} must be {} {} (backward returned {})\n  hint: sum it over what "
      "was broadcast, with sum_to",
      f.name(), input, to_string(node.dtype), to_string(node.shape), describe(gradient)));
}

void GraphEngine::call_arrays(Function& f, const Wanted& wanted, std::span<const Variable> gys) {
  gy_arrays_.clear();
  for (Gradient& gy : gys_) gy_arrays_.push_back(gy.filled ? std::move(gy.array) : Array{});
  gys_.clear();
  const std::size_t count = f.inputs_.size();
  const bool is_watched = !function_hooks().empty();
  sinks_.assign(count, {});
  given_.assign(count, nullptr);
  apart_.clear();
  apart_.reserve(count);  // the sinks point into it
  for (std::size_t i = 0; i < count; ++i) {
    if (!wanted[i]) continue;
    const std::shared_ptr<Node>& node = f.inputs_[i];
    const auto here = f.inputs_.begin() + static_cast<std::ptrdiff_t>(i);
    Gradient& total = reach(node);
    // Hooks see each gradient by itself, and one variable given twice needs two places to write to.
    const bool is_apart = is_watched || std::find(f.inputs_.begin(), here, node) != here;
    given_[i] = is_apart ? &apart_.emplace_back() : &total;
    sinks_[i] = GradientSink(node->shape, node->dtype, given_[i]->array, given_[i]->filled);
  }
  f.backward_arrays(wanted, gy_arrays_, sinks_);
  for (std::size_t i = 0; i < count; ++i) {
    if (given_[i] != nullptr && given_[i]->filled) require_fits(f, i, *f.inputs_[i], given_[i]->array);
  }
  gy_arrays_.clear();
  if (apart_.empty() && !is_watched) return;
  Variables gxs(is_watched ? count : 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (given_[i] == nullptr || !given_[i]->filled) continue;
    if (is_watched) gxs[i] = given_[i]->variable();
    Gradient& total = gradients_.at(f.inputs_[i].get());
    if (given_[i] != &total) add_array(total, std::move(given_[i]->array));
  }
  call_after_backward(f, gys, gxs);
}

void GraphEngine::call_variables(Function& f, const Wanted& wanted, std::span<const Variable> gys) {
  const Variables gxs = f.backward(wanted, gys);
  if (gxs.size() != f.inputs_.size()) {
    throw GraphError(
        fmt::format("{}: backward must return a gradient for each of the {} inputs (it returned {})\n  hint: "
                    "return Variable{{}} for an input without one",
                    f.name(), f.inputs_.size(), gxs.size()));
  }
  for (std::size_t i = 0; i < gxs.size(); ++i) {
    if (!wanted[i] || !gxs[i].defined()) continue;
    const std::shared_ptr<Node>& node = f.inputs_[i];
    require_fits(f, i, *node, gxs[i].data());
    add(reach(node), gxs[i]);
  }
  call_after_backward(f, gys, gxs);
}

void GraphEngine::add(Gradient& total, const Variable& gradient) const {
  if (!create_graph_) return add_array(total, gradient.data());
  total.graph = total.filled ? fathom::apply<AddGradients>({total.graph, gradient}) : gradient;
  total.array = total.graph.data();
  total.filled = true;
}

void GraphEngine::add_array(Gradient& total, Array gradient) {
  if (!total.filled) {
    total.array = std::move(gradient);
    total.filled = true;
    return;
  }
  if (!total.array.is_unique()) total.array = total.array.copy();
  add_into(total.array, gradient);
}

void GraphEngine::commit() {
  const RecordingScope scope(create_graph_);
  std::vector<std::pair<std::shared_ptr<VariableState>, Gradient>> totals;
  for (const std::shared_ptr<Node>& node : ends_) {
    std::shared_ptr<VariableState> leaf = node->leaf.lock();
    Gradient& gradient = gradients_.at(node.get());
    if (leaf == nullptr || leaf->node != node || (leaf->has_gradient && !gradient.filled)) continue;
    if (leaf->has_gradient) {
      Gradient total{
          leaf->gradient, true,
          create_graph_ ? Gradient{leaf->gradient, true, leaf->gradient_graph}.variable() : Variable{}};
      add(total, gradient.variable());
      gradient = std::move(total);
    }
    // Two leaves may have been given one array, or the caller's; changing one gradient in place must not
    // change another.
    if (gradient.filled && !create_graph_ && !gradient.array.is_unique())
      gradient.array = gradient.array.copy();
    totals.emplace_back(std::move(leaf), std::move(gradient));
  }
  const std::vector<FunctionHook*> hooks = function_hooks();
  for (const auto& [leaf, gradient] : totals) {
    if (!gradient.filled) continue;
    for (FunctionHook* hook : hooks) hook->before_leaf_gradient(leaf->data, gradient.array);
  }
  for (auto& [leaf, gradient] : totals) {
    leaf->gradient = std::move(gradient.array);
    leaf->gradient_graph = std::move(gradient.graph);
    leaf->has_gradient = gradient.filled;
  }
}

Variable GraphEngine::result(const Variable& target) const {
  const auto found = results_.find(target.state_->node.get());
  return found == results_.end() ? Variable{} : found->second;
}

}  // namespace detail
}  // namespace fathom

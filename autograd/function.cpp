// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/function.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/autograd/engine/hook_list.hpp>
#include <fathom/autograd/engine/node.hpp>
#include <fathom/autograd/hooks.hpp>
#include <fathom/autograd/module_path.hpp>
#include <fathom/autograd/recomputation.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>

namespace fathom {

void GradientSink::require_wanted() const {
  if (total_ == nullptr) {
    throw GraphError(
        "GradientSink: this input's gradient is not wanted\n  hint: ask wanted[i] before writing");
  }
}

Array& GradientSink::buffer() {
  require_wanted();
  if (!*filled_) {
    // A buffer that was lent to us, a leaf's from the step before, is taken when nobody else looks at it.
    const bool reusable =
        total_->defined() && total_->is_unique() && total_->shape() == *shape_ && total_->dtype() == dtype_;
    if (!reusable) *total_ = Array::empty(*shape_, dtype_);
    *filled_ = true;
  } else if (!total_->is_unique()) {
    *total_ = total_->copy();
  }
  return *total_;
}

Array& GradientSink::buffer_over(const Array& spent) {
  require_wanted();
  // A buffer that was lent to us comes first: it would be lost.
  if (!*filled_ && !total_->defined() && spent.is_unique() && spent.shape() == *shape_ &&
      spent.dtype() == dtype_) {
    *total_ = spent;
    *filled_ = true;
    return *total_;
  }
  return buffer();
}

void GradientSink::give(Array gradient) {
  require_wanted();
  if (*filled_) {
    add_into(buffer(), gradient);
  } else {
    *total_ = std::move(gradient);
    *filled_ = true;
  }
}

Function::~Function() { unlink(std::move(inputs_)); }

// A chain of a million functions must not take a million stack frames to destroy.
void Function::unlink(std::vector<std::shared_ptr<detail::Node>> nodes) noexcept {
  while (!nodes.empty()) {
    const std::shared_ptr<detail::Node> node = std::move(nodes.back());
    nodes.pop_back();
    if (node == nullptr || node.use_count() > 1 || node->creator == nullptr || node->creator.use_count() > 1)
      continue;
    std::vector<std::shared_ptr<detail::Node>>& inputs = node->creator->inputs_;
    std::move(inputs.begin(), inputs.end(), std::back_inserter(nodes));
    inputs.clear();
  }
}

void Function::backward_arrays(const Wanted&, std::span<const Array>, std::span<GradientSink>) {
  throw GraphError(
      fmt::format("{}: backward_arrays is announced but not written\n  hint: override it, or let "
                  "has_backward_arrays return false",
                  name()));
}

Array Function::recompute(std::size_t) {
  throw GraphError(
      fmt::format("{}: recompute is announced but not written\n  hint: override it, or let "
                  "recomputes return false",
                  name()));
}

void Function::retain_input(std::size_t i) { saved_.push_back({.kind = Kind::input, .index = i}); }
void Function::retain_output(std::size_t i) { saved_.push_back({.kind = Kind::output, .index = i}); }

void Function::retain(std::string_view name, Array array) {
  saved_.push_back({.kind = Kind::own, .name = name, .array = std::move(array)});
}

std::string Function::what_of(Kind kind, std::size_t index, std::string_view name) {
  if (kind == Kind::own) return std::string(name);
  return fmt::format("{} {}", kind == Kind::input ? "input" : "output", index);
}

const Function::Saved& Function::saved(Kind kind, std::size_t index, std::string_view name) const {
  const auto found = std::find_if(saved_.begin(), saved_.end(), [&](const Saved& saved) {
    return saved.kind == kind && saved.index == index && saved.name == name;
  });
  if (found == saved_.end()) {
    throw GraphError(
        fmt::format("{}: backward reads {}, which forward did not retain\n  hint: retain it in forward",
                    this->name(), what_of(kind, index, name)));
  }
  if (!found->array.defined()) restore(*found);
  if (found->array.version() != found->version) {
    const std::string what = what_of(kind, index, name);
    throw GraphError(fmt::format(
        "{}: {} was changed in place after forward, so its gradient would be wrong\n  {}: {}\n  hint: run "
        "backward before changing it, or change a copy()",
        this->name(), what, what, describe(found->array)));
  }
  return *found;
}

/// Finds an input that was not kept alive, or has its function compute it again.
void Function::restore(Saved& input) const {
  input.array = input.original.lock();
  if (input.array.defined()) return;
  const detail::Node& node = *inputs_[input.index];
  input.array = node.creator->output_again(node.output_index);
  input.version = input.array.version();
}

/// Output `i`, computed again and kept for others that ask, until backward is done with this function.
const Array& Function::output_again(std::size_t i) {
  const auto found = std::find_if(saved_.begin(), saved_.end(), [&](const Saved& saved) {
    return saved.kind == Kind::output && saved.index == i;
  });
  if (found != saved_.end()) return saved(Kind::output, i).array;
  if (released_) throw_released();
  Array again = recompute(i);
  const std::uint64_t version = again.version();
  saved_.push_back(
      {.kind = Kind::output, .index = i, .array = std::move(again), .version = version, .comes_again = true});
  return saved_.back().array;
}

/// For a graph that is retained: the next backward computes them once more.
void Function::forget_recomputed() {
  std::erase_if(saved_, [](const Saved& saved) { return saved.comes_again && saved.kind == Kind::output; });
  for (Saved& saved : saved_) {
    if (saved.comes_again) saved.array = {};
  }
}

std::vector<std::pair<std::string, Array>> Function::kept() const {
  std::vector<std::pair<std::string, Array>> result;
  for (const Saved& saved : saved_) {
    if (saved.array.defined()) result.emplace_back(what_of(saved.kind, saved.index, saved.name), saved.array);
  }
  return result;
}

void Function::throw_released() const {
  throw GraphError(
      fmt::format("{}: its graph has been released by an earlier backward()\n  hint: pass {{.retain_graph "
                  "= true}} to the earlier call, or "
                  "run forward again",
                  name()));
}

const Array& Function::input_array(std::size_t i) const { return saved(Kind::input, i).array; }
const Array& Function::output_array(std::size_t i) const { return saved(Kind::output, i).array; }
const Array& Function::retained(std::string_view name) const { return saved(Kind::own, 0, name).array; }

Variable Function::input(std::size_t i) const {
  auto state = std::make_shared<detail::VariableState>();
  state->data = input_array(i);
  state->node = inputs_[i];
  return Variable(std::move(state));
}

Variable Function::output(std::size_t i) {
  auto state = std::make_shared<detail::VariableState>();
  state->data = output_array(i);
  state->node = outputs_[i].lock();
  if (state->node == nullptr) {
    // Nobody holds this output any more; its gradients still have to find the way through this function.
    state->node = std::make_shared<detail::Node>();
    state->node->shape = state->data.shape();
    state->node->dtype = state->data.dtype();
    state->node->creator = shared_from_this();
    state->node->output_index = i;
    outputs_[i] = state->node;
  }
  return Variable(std::move(state));
}

Arrays Function::data_of(std::span<const Variable> inputs) const {
  if (serial_ != 0) {
    throw GraphError(fmt::format(
        "{}: a function object can be applied only once\n  hint: apply<F>() makes a new one for each call",
        name()));
  }
  Arrays arrays;
  arrays.reserve(inputs.size());
  for (const Variable& input : inputs) {
    if (!input.defined()) {
      throw GraphError(fmt::format(
          "{}: input {} must not be undefined\n  hint: Variable{{}} is legal for optional arguments only",
          name(), arrays.size()));
    }
    arrays.push_back(input.data());
  }
  return arrays;
}

bool Function::can_come_again(const Variable& input) {
  const std::shared_ptr<Function>& creator = input.creator();
  return creator != nullptr && creator->recomputes(input.state_->node->output_index);
}

void Function::record(std::span<const Variable> inputs, const Arrays& arrays, const Arrays& outputs) {
  for (Saved& saved : saved_) {
    if (saved.kind != Kind::own) {
      const Arrays& kept = saved.kind == Kind::input ? arrays : outputs;
      if (saved.index >= kept.size()) {
        throw GraphError(
            fmt::format("{}: forward retains {} {}, of which there are {}\n  hint: count from 0; an optional "
                        "input may be absent",
                        name(), saved.kind == Kind::input ? "input" : "output", saved.index, kept.size()));
      }
      saved.array = kept[saved.index];
    }
    saved.version = saved.array.version();
    if (saved.kind == Kind::input && can_come_again(inputs[saved.index])) {
      saved.comes_again = true;
      saved.original = WeakArray(std::exchange(saved.array, {}));
    }
  }
  inputs_.reserve(inputs.size());
  for (const Variable& input : inputs) {
    inputs_.push_back(input.state_->node);
    const std::shared_ptr<Function>& creator = input.creator();
    if (creator != nullptr) rank_ = std::max(rank_, creator->rank_ + 1);
  }
}

namespace {
thread_local std::uint64_t applied = 0;
}  // namespace

std::uint64_t detail::last_serial() { return applied; }

Variables Function::apply_to(std::span<const Variable> inputs) {
  const Arrays arrays = data_of(inputs);
  const bool is_recorded =
      is_recording() &&
      std::any_of(inputs.begin(), inputs.end(), [](const Variable& input) { return input.requires_grad(); });
  const std::vector<FunctionHook*> hooks = detail::function_hooks();
  saved_.clear();  // of a forward that threw
  if (keeps_module_paths()) {
    const Function* outer = function_in_backward();
    module_path_ = outer == nullptr ? current_module_path() : outer->module_path_;
  }
  for (FunctionHook* hook : hooks) hook->before_forward(*this, arrays);
  Arrays outputs = forward(arrays);
  for (auto hook = hooks.rbegin(); hook != hooks.rend(); ++hook) {
    (*hook)->after_forward(*this, arrays, outputs);
  }

  serial_ = ++applied;
  if (is_recorded) {
    record(inputs, arrays, outputs);
  } else {
    saved_.clear();
  }
  Variables results;
  results.reserve(outputs.size());
  for (Array& output : outputs) {
    auto state = std::make_shared<detail::VariableState>();
    state->data = std::move(output);
    if (is_recorded) {
      state->node = std::make_shared<detail::Node>();
      state->node->shape = state->data.shape();
      state->node->dtype = state->data.dtype();
      state->node->creator = shared_from_this();
      state->node->output_index = outputs_.size();
      outputs_.push_back(state->node);
    }
    results.push_back(Variable(std::move(state)));
  }
  return results;
}

}  // namespace fathom

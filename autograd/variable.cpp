// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/variable.hpp>

#include <fmt/format.h>

#include <fathom/autograd/engine/node.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/check.hpp>

namespace fathom {
namespace {

std::shared_ptr<detail::Node> leaf_node(const std::shared_ptr<detail::VariableState>& state) {
  auto node = std::make_shared<detail::Node>();
  if (state->data.defined()) {
    node->shape = state->data.shape();
    node->dtype = state->data.dtype();
  }
  node->leaf = state;
  return node;
}

void require_float(const Array& data) { ArgumentCheck("Variable").argument("data", data).floating(); }

void drop_gradient(detail::VariableState& state) {
  state.gradient = {};
  state.gradient_graph = {};
  state.has_gradient = false;
}

}  // namespace

Variable::Variable(Array data, bool requires_grad) {
  require_float(data);
  state_ = std::make_shared<detail::VariableState>();
  state_->data = std::move(data);
  if (requires_grad) state_->node = leaf_node(state_);
}

bool Variable::defined() const { return state_ != nullptr && state_->data.defined(); }

const Array& Variable::data() const {
  if (state_ == nullptr) {
    throw GraphError(
        "Variable: an undefined variable has no data\n  hint: Variable{} is legal only as an optional "
        "argument");
  }
  if (!state_->data.defined()) {
    throw GraphError(
        "Parameter: it has no data yet\n  hint: give a deferred parameter its data with initialize");
  }
  return state_->data;
}

void Variable::set_data(Array data) {
  require_float(data);
  if (state_ == nullptr)
    throw GraphError("Variable: an undefined variable cannot get data\n  hint: make one with Variable(data)");
  if (creator() != nullptr) {
    throw GraphError(fmt::format(
        "Variable: the result of {} cannot be replaced\n  hint: only leaves can; use detach() first",
        creator()->name()));
  }
  drop_gradient(*state_);
  state_->data = std::move(data);
  // A new node: a graph made before still belongs to the old data.
  if (state_->node != nullptr) {
    std::vector<GradientHook> hooks = std::move(state_->node->hooks);
    state_->node = leaf_node(state_);
    state_->node->hooks = std::move(hooks);
  }
}

bool Variable::requires_grad() const { return state_ != nullptr && state_->node != nullptr; }

void Variable::set_requires_grad(bool requires_grad) {
  if (state_ == nullptr)
    throw GraphError(
        "Variable: an undefined variable cannot require a gradient\n  hint: make one with Variable(data, "
        "true)");
  if (creator() != nullptr) {
    throw GraphError(
        fmt::format("Variable: the result of {} cannot be frozen\n  hint: use detach()", creator()->name()));
  }
  if (requires_grad == this->requires_grad()) return;
  state_->node = requires_grad ? leaf_node(state_) : nullptr;
  if (!requires_grad) drop_gradient(*state_);
}

const std::shared_ptr<Function>& Variable::creator() const {
  static const std::shared_ptr<Function> none;
  return requires_grad() ? state_->node->creator : none;
}

Variable Variable::grad() const {
  if (state_ == nullptr || !state_->has_gradient) return {};
  return state_->gradient_graph.defined() ? state_->gradient_graph : Variable(state_->gradient);
}

void Variable::zero_grad() {
  if (state_ == nullptr) return;
  state_->has_gradient = false;
  state_->gradient_graph = {};
}

void Variable::set_grad(const Variable& gradient) {
  ArgumentCheck check("set_grad");
  check.argument("data", data())
      .argument("gradient", gradient.data())
      .shape(shape(), "that of the data")
      .same_dtype();
  state_->gradient = gradient.data();
  state_->gradient_graph = gradient.requires_grad() ? gradient : Variable{};
  state_->has_gradient = true;
}

void Variable::on_grad(GradientHook hook) {
  if (!requires_grad()) {
    throw GraphError(
        "on_grad: no gradient is recorded for this variable\n  hint: make it with requires_grad = true, "
        "outside NoGradScope");
  }
  state_->node->hooks.push_back(std::move(hook));
}

Variable Variable::detach() const { return Variable(data()); }

Parameter Parameter::deferred(ArraySpec expected) {
  Parameter parameter;
  parameter.expected_ = std::move(expected);
  parameter.state_ = std::make_shared<detail::VariableState>();
  parameter.state_->node = leaf_node(parameter.state_);
  return parameter;
}

Parameter::Parameter(const Parameter& other) : Variable() {
  if (other.state_ == nullptr) return;
  *this = other.state_->data.defined() ? Parameter(other.data().copy()) : deferred();
  expected_ = other.expected_;
  set_requires_grad(other.requires_grad());
}

Parameter& Parameter::operator=(const Parameter& other) {
  if (this != &other) *this = Parameter(other);
  return *this;
}

void Parameter::initialize(Array data) {
  require_float(data);
  if (state_ == nullptr)
    throw GraphError(
        "Parameter: an absent parameter cannot be initialized\n  hint: make one with Parameter(data) or "
        "Parameter::deferred()");
  if (state_->data.defined()) {
    throw GraphError(fmt::format("Parameter: it has data already ({})\n  hint: set_data replaces it",
                                 describe(state_->data)));
  }
  require_fits("Parameter", expected_, data);
  set_data(std::move(data));
}

void Parameter::defer() {
  if (!defined()) return;
  drop_gradient(*state_);
  state_->data = {};
}

void Parameter::to(DType dtype) {
  if (!exists()) return;
  expected_.dtype = dtype;
  if (defined() && data().dtype() != dtype) set_data(data().astype(dtype));
}

std::string to_string(const Variable& variable) {
  if (!variable.defined()) return "undefined";
  std::string text = to_string(variable.data());
  if (variable.creator() != nullptr) {
    text += fmt::format("  from {}", variable.creator()->name());
  } else if (variable.requires_grad()) {
    text += "  leaf";
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Variable& variable) { return out << to_string(variable); }

}  // namespace fathom

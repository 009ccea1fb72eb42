// SPDX-License-Identifier: BSD-3-Clause
#include "operations.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fathom::reference {

void Inputs::add(std::string name, Array data, bool differentiable) {
  items_.push_back({std::move(name), std::move(data), differentiable});
}

Inputs::Item* Inputs::find(std::string_view name) {
  const auto found =
      std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.name == name; });
  if (found == items_.end()) return nullptr;
  found->read = true;
  return &*found;
}

Inputs::Item& Inputs::require(std::string_view name) {
  Item* item = find(name);
  if (item == nullptr) throw std::runtime_error(fmt::format("the entry lacks the input {}", name));
  return *item;
}

Variable Inputs::operator[](std::string_view name) {
  Item& item = require(name);
  if (!item.variable.defined()) item.variable = Variable{item.data, item.differentiable};
  return item.variable;
}

Variable Inputs::optional(std::string_view name) {
  return find(name) == nullptr ? Variable{} : (*this)[name];
}

Array Inputs::array(std::string_view name) { return require(name).data; }

Array Inputs::optional_array(std::string_view name) {
  const Item* item = find(name);
  return item == nullptr ? Array{} : item->data;
}

std::vector<std::string> Inputs::unread() const {
  std::vector<std::string> names;
  for (const Item& item : items_) {
    if (!item.read) names.push_back(item.name);
  }
  return names;
}

const Operations& operations() {
  static const Operations all = [] {
    Operations joined;
    for (const auto part : {array_operations, dense_operations, elementwise_operations, image_operations,
                            loss_operations, shape_operations, training_operations})
      joined.merge(part());
    return joined;
  }();
  return all;
}

Outputs call(const Operation& operation, const nlohmann::json& params, Inputs& inputs) {
  Params named(params);
  Outputs outputs = operation(named, inputs);
  if (const auto names = named.unread(); !names.empty()) {
    throw std::runtime_error(fmt::format("the table ignores the parameter {}", fmt::join(names, ", ")));
  }
  if (const auto names = inputs.unread(); !names.empty()) {
    throw std::runtime_error(fmt::format("the table ignores the input {}", fmt::join(names, ", ")));
  }
  return outputs;
}

}  // namespace fathom::reference

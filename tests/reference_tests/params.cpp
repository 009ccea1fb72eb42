// SPDX-License-Identifier: BSD-3-Clause
#include "params.hpp"

#include <fmt/format.h>

namespace fathom::reference {
namespace {

bool is_list_of_integers(const nlohmann::json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const auto& item) { return item.is_number_integer(); });
}

}  // namespace

const nlohmann::json* Params::find(const std::string& name) {
  const auto found = object_.find(name);
  if (found == object_.end()) return nullptr;
  read_.insert(name);
  return &*found;
}

void Params::refuse(const std::string& name, std::string_view wanted) const {
  throw NotExpressible(fmt::format("parameter {} = {}: not {}", name, object_.at(name).dump(), wanted));
}

Params& Params::read(const std::string& name, Pair2& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (value->is_number_integer()) {
    target = value->get<std::int64_t>();
  } else if (is_list_of_integers(*value) && value->size() == 2) {
    target = {value->at(0).get<std::int64_t>(), value->at(1).get<std::int64_t>()};
  } else {
    refuse(name, "a number or a pair");
  }
  return *this;
}

Params& Params::read(const std::string& name, std::optional<Pair2>& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (value->is_null()) {
    target.reset();
    return *this;
  }
  return read(name, target.emplace());
}

Params& Params::read(const std::string& name, std::int64_t& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (!value->is_number_integer()) refuse(name, "an integer");
  target = value->get<std::int64_t>();
  return *this;
}

Params& Params::read(const std::string& name, double& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (!value->is_number()) refuse(name, "a number");
  target = value->get<double>();
  return *this;
}

Params& Params::read(const std::string& name, bool& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (!value->is_boolean()) refuse(name, "true or false");
  target = value->get<bool>();
  return *this;
}

Params& Params::read(const std::string& name, Axes& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (value->is_number_integer()) {
    target = {value->get<std::int64_t>()};
  } else if (is_list_of_integers(*value)) {
    target = value->get<Axes>();
  } else {
    refuse(name, "an integer or a list of integers");
  }
  return *this;
}

Params& Params::read(const std::string& name, std::optional<Axes>& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (value->is_null()) {
    target.reset();
    return *this;
  }
  return read(name, target.emplace());
}

std::vector<std::string> Params::unread() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace fathom::reference

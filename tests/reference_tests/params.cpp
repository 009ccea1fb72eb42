// SPDX-License-Identifier: BSD-3-Clause
#include "params.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/error.hpp>

namespace fathom::reference {
namespace {

bool is_list_of_integers(const nlohmann::json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const auto& item) { return item.is_number_integer(); });
}

void append_integers(const nlohmann::json& value, std::vector<std::int64_t>& integers) {
  if (value.is_array()) {
    for (const nlohmann::json& item : value) append_integers(item, integers);
  } else {
    integers.push_back(value.get<std::int64_t>());
  }
}

/// An integer array from nested lists of equal lengths.
Array integer_array(const nlohmann::json& value) {
  std::vector<std::int64_t> integers, sizes;
  append_integers(value, integers);
  for (const auto* list = &value; list->is_array(); list = &list->front()) {
    sizes.push_back(static_cast<std::int64_t>(list->size()));
    if (list->empty()) break;
  }
  return Array::from(integers, Shape(sizes));
}

std::optional<std::int64_t> optional_integer(const nlohmann::json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<std::int64_t>();
}

}  // namespace

DType dtype_of_name(const std::string& name) {
  for (const DType dtype :
       {DType::float32, DType::float64, DType::int64, DType::int32, DType::uint8, DType::boolean}) {
    if (name == to_string(dtype)) return dtype;
  }
  throw DTypeError("no dtype " + name);
}

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

Params& Params::read(const std::string& name, std::string& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (!value->is_string()) refuse(name, "a text");
  target = value->get<std::string>();
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

Params& Params::read(const std::string& name, Pad& target) {
  Pair2 sides = target.sides();
  read(name, sides);
  target = sides;
  return *this;
}

Params& Params::read(const std::string& name, std::int64_t& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (!value->is_number_integer()) refuse(name, "an integer");
  target = value->get<std::int64_t>();
  return *this;
}

Params& Params::read(const std::string& name, std::optional<std::int64_t>& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  if (!value->is_null()) return read(name, target.emplace());
  target.reset();
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

Params& Params::read(const std::string& name, std::pair<Axes, Axes>& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  const auto is_axes = [](const auto& item) { return item.is_number_integer() || is_list_of_integers(item); };
  if (!value->is_array() || value->size() != 2 || !std::all_of(value->begin(), value->end(), is_axes))
    refuse(name, "a pair of axes or lists of axes");
  const auto axes = [](const nlohmann::json& item) {
    return item.is_array() ? item.get<Axes>() : Axes{item.get<std::int64_t>()};
  };
  target = {axes(value->at(0)), axes(value->at(1))};
  return *this;
}

Params& Params::read(const std::string& name, Indices& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  target.clear();
  for (const nlohmann::json& item : *value) {
    if (item.is_number_integer()) {
      target.emplace_back(item.get<std::int64_t>());
    } else if (item == "newaxis") {
      target.emplace_back(newaxis);
    } else if (item == "ellipsis") {
      target.emplace_back(ellipsis);
    } else if (item.is_array() && item.size() == 4 && item[0] == "slice") {
      target.emplace_back(
          Slice{optional_integer(item[1]), optional_integer(item[2]), optional_integer(item[3]).value_or(1)});
    } else if (item.is_array() && item.size() == 2 && item[0] == "index") {
      target.emplace_back(integer_array(item[1]));
    } else {
      refuse(name, "a list of indices");
    }
  }
  return *this;
}

Params& Params::read(const std::string& name, std::vector<ops::PadWidth>& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  const auto is_pair = [](const auto& item) { return is_list_of_integers(item) && item.size() == 2; };
  const auto pair = [](const auto& item) {
    return ops::PadWidth{item[0].template get<std::int64_t>(), item[1].template get<std::int64_t>()};
  };
  if (value->is_array() && value->size() == 1 && value->front().is_number_integer()) value = &value->front();
  if (value->is_number_integer()) {
    target = {{value->get<std::int64_t>(), value->get<std::int64_t>()}};
  } else if (is_pair(*value)) {
    target = {pair(*value)};
  } else if (value->is_array() && std::all_of(value->begin(), value->end(), is_pair)) {
    target.clear();
    for (const auto& item : *value) target.push_back(pair(item));
  } else {
    refuse(name, "a number, a pair or a list of pairs");
  }
  return *this;
}

Params& Params::read(const std::string& name, SideValues& target) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  const auto is_pair = [](const auto& item) {
    return item.is_array() && item.size() == 2 && item[0].is_number() && item[1].is_number();
  };
  if (value->is_number()) {
    target = {{value->get<double>(), value->get<double>()}};
  } else if (is_pair(*value)) {
    target = {value->get<SideValues::value_type>()};
  } else if (value->is_array() && std::all_of(value->begin(), value->end(), is_pair)) {
    target = value->get<SideValues>();
  } else {
    refuse(name, "a number, a pair or a list of pairs");
  }
  return *this;
}

std::vector<std::string> Params::unread() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace fathom::reference

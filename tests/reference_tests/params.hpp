// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <fathom/core/index.hpp>
#include <fathom/core/shape.hpp>
#include <fathom/ops/pad.hpp>

namespace fathom::reference {

/// The dtype of that name; throws DTypeError where there is none, as for float16.
[[nodiscard]] DType dtype_of_name(const std::string& name);

/// A recorded value that the library's types leave no room for, such as a pad of three numbers: no program
/// with it compiles. For an error entry that is a refusal, for a case a failure.
class NotExpressible : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A value before and one after each axis, or one pair for all axes.
using SideValues = std::vector<std::pair<double, double>>;

/// The keyword arguments of an entry. `read` leaves its target alone when the name is absent, so that the
/// library's own default is what gets compared. It remembers what was read: a name that nobody asked for is a
/// defect of the table.
class Params {
 public:
  explicit Params(nlohmann::json object) : object_(std::move(object)) {}

  Params& read(const std::string& name, std::string& target);
  Params& read(const std::string& name, Pair2& target);
  Params& read(const std::string& name, std::optional<Pair2>& target);  ///< null: nullopt
  Params& read(const std::string& name, Pad& target);
  Params& read(const std::string& name, std::int64_t& target);
  Params& read(const std::string& name, std::optional<std::int64_t>& target);  ///< null: nullopt
  Params& read(const std::string& name, double& target);
  Params& read(const std::string& name, bool& target);
  Params& read(const std::string& name, Axes& target);                 ///< one number or a list
  Params& read(const std::string& name, std::optional<Axes>& target);  ///< null: nullopt
  /// Axes of a and of b, each one number or a list.
  Params& read(const std::string& name, std::pair<Axes, Axes>& target);
  Params& read(const std::string& name, Indices& target);  ///< integers, slices, newaxis, ...
  Params& read(const std::string& name, std::vector<ops::PadWidth>& target);
  Params& read(const std::string& name, SideValues& target);  ///< a number, a pair or a list of pairs
  /// One of the named choices.
  template <class T>
  Params& read(const std::string& name, T& target,
               const std::vector<std::pair<std::string_view, T>>& choices);
  /// An argument that has no default.
  template <class T>
  [[nodiscard]] T get(const std::string& name);

  /// Whether an argument that may be a number or a list is a number.
  [[nodiscard]] bool is_integer(const std::string& name) const {
    return object_.contains(name) && object_.at(name).is_number_integer();
  }

  [[nodiscard]] bool is_list(const std::string& name) const {
    return object_.contains(name) && object_.at(name).is_array();
  }

  [[nodiscard]] std::vector<std::string> unread() const;

 private:
  const nlohmann::json* find(const std::string& name);
  [[noreturn]] void refuse(const std::string& name, std::string_view wanted) const;

  nlohmann::json object_;
  std::set<std::string> read_;
};

template <class T>
Params& Params::read(const std::string& name, T& target,
                     const std::vector<std::pair<std::string_view, T>>& choices) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return *this;
  for (const auto& [text, choice] : choices) {
    if (*value == text) {
      target = choice;
      return *this;
    }
  }
  refuse(name, "one of the choices the operation has");
}

template <class T>
T Params::get(const std::string& name) {
  if (!object_.contains(name)) throw std::runtime_error("the entry lacks the parameter " + name);
  T value{};
  read(name, value);
  return value;
}

}  // namespace fathom::reference

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/debug_scope.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <fathom/core/error.hpp>
#include <fathom/core/value_statistics.hpp>

namespace fathom {
namespace {

/// What a function read or made, with the name it goes by in the text.
struct Named {
  std::string name;
  Array array;
};
using NamedList = std::vector<Named>;

std::string index_text(const Shape& shape, std::int64_t element) {
  std::vector<std::int64_t> index(shape.rank());
  for (std::size_t axis = shape.rank(); axis-- > 0; element /= shape[axis])
    index[axis] = element % shape[axis];
  return fmt::format("[{}]", fmt::join(index, ", "));
}

/// The number of the first element to stop at.
std::optional<std::int64_t> first_bad(const ValueStatistics& values, const DebugOptions& options) {
  std::optional<std::int64_t> first;
  if (options.nan && values.nan > 0) first = values.first_nan;
  if (options.infinity && values.infinite > 0) {
    first = std::min(first.value_or(values.first_infinite), values.first_infinite);
  }
  return first;
}

void append_line(std::string& text, const Named& entry) {
  text += fmt::format("\n  {}: {}, {}", entry.name, describe(entry.array),
                      to_string(value_statistics(entry.array)));
}

/// Throws when one of `made` is not as it should be. `who` is "log" or "backward of log".
void check(const std::string& who, const Function& function, const NamedList& read, const NamedList& made,
           const DebugOptions& options) {
  for (const Named& result : made) {
    const std::optional<std::int64_t> element = first_bad(value_statistics(result.array), options);
    if (!element) continue;
    const auto source = std::find_if(read.begin(), read.end(), [&](const Named& entry) {
      return first_bad(value_statistics(entry.array), options).has_value();
    });
    const bool is_first = source == read.end();
    const double value = result.array.astype(DType::float64).data<double>()[*element];
    std::string text = fmt::format("{}: {} {} in {}, first at {}", who, is_first ? "made" : "passed on",
                                   value, result.name, index_text(result.array.shape(), *element));
    for (const Named& entry : read) append_line(text, entry);
    append_line(text, result);
    text += is_first ? "\n  hint: all that it was computed from is finite, so it began here"
                     : fmt::format("\n  hint: {} had it before; look at where that comes from", source->name);
    NumericError error(std::move(text));
    if (!function.module_path().empty()) error.add_context(function.module_path());
    throw error;
  }
}

template <class Values>
NamedList named(std::string_view what, const Values& values) {
  NamedList result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].defined()) continue;
    const std::string name = fmt::format("{} {}", what, i);
    if constexpr (std::is_same_v<typename Values::value_type, Variable>) {
      result.push_back({name, values[i].data()});
    } else {
      result.push_back({name, values[i]});
    }
  }
  return result;
}

}  // namespace

void DebugScope::Hook::after_forward(const Function& function, std::span<const Array> inputs,
                                     std::span<const Array> outputs) {
  const Function* outer = function_in_backward();
  const std::string who = outer == nullptr
                              ? std::string(function.name())
                              : fmt::format("{} in the backward of {}", function.name(), outer->name());
  check(who, function, named("input", inputs), named("output", outputs), options_);
}

void DebugScope::Hook::after_backward(const Function& function, std::span<const Variable> gys,
                                      std::span<const Variable> gxs) {
  NamedList read = named("gradient of output", gys);
  for (auto& [name, array] : function.kept()) read.push_back({name, array});
  check(fmt::format("backward of {}", function.name()), function, read, named("gradient of input", gxs),
        options_);
}

void DebugScope::Hook::before_leaf_gradient(const Array& leaf, const Array& gradient) {
  const std::optional<std::int64_t> element = first_bad(value_statistics(gradient), options_);
  if (!element) return;
  const double value = gradient.astype(DType::float64).data<double>()[*element];
  std::string text = fmt::format("backward: {} in the sum of gradients of a leaf, first at {}", value,
                                 index_text(gradient.shape(), *element));
  append_line(text, {"leaf", leaf});
  append_line(text, {"sum of gradients", gradient});
  text +=
      "\n  hint: no function gave it, so the sum has overflowed, or the leaf's gradient had it before this "
      "backward";
  throw NumericError(std::move(text));
}

}  // namespace fathom

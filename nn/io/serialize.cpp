// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/io/serialize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <iterator>
#include <map>
#include <set>

#include <fathom/core/error.hpp>
#include <fathom/core/npy.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/walker.hpp>

namespace fathom::nn {

namespace {

/// A parameter or buffer that an array of the file goes into.
struct Place {
  std::string name;
  ArraySpec expected;
  bool is_parameter;  // float32 or float64, even where `expected` leaves the dtype open
  std::function<void(Array)> fill;
};

class PlaceCollector final : public Walker {
 public:
  void parameter(std::string_view name, Parameter& parameter) override { add(name, parameter); }
  void buffer(std::string_view name, Buffer& buffer) override { add(name, buffer); }
  std::vector<Place> parameters, buffers;

 private:
  template <class Member>
  void add(std::string_view name, Member& member) {
    if (!member.exists()) return;
    std::vector<Place>& places = std::same_as<Member, Parameter> ? parameters : buffers;
    places.push_back({join(name), member.expected(), std::same_as<Member, Parameter>, [&member](Array array) {
                        if (member.is_waiting()) {
                          member.initialize(std::move(array));
                        } else {
                          Array(member.data()).assign(array);
                        }
                      }});
  }
};

/// Parameters first, then buffers, each in the module's order.
std::vector<Place> places(Module& module) {
  PlaceCollector collector;
  module.visit_members(collector);
  std::move(collector.buffers.begin(), collector.buffers.end(), std::back_inserter(collector.parameters));
  return std::move(collector.parameters);
}

/// Arrays of the file by the module's names.
std::map<std::string, Array> read(const std::string& path, const LoadOptions& options) {
  std::map<std::string, Array> arrays;
  for (auto& [name, array] : load_npz(path)) {
    const std::string renamed = options.rename ? options.rename(name) : name;
    if (renamed.empty()) continue;
    if (!arrays.emplace(renamed, array).second) {
      throw ValueError(
          fmt::format("load: two arrays of file '{}' are renamed to {}\n  hint: rename returns another name, "
                      "or an empty one to leave an array out",
                      path, renamed));
    }
  }
  return arrays;
}

/// One line for each name that does not fit; empty when all do.
std::string misfits(const std::vector<Place>& wanted, const std::map<std::string, Array>& found,
                    const LoadOptions& options) {
  std::string missing, unexpected, shapes, dtypes;
  std::set<std::string_view> known;
  for (const auto& [name, expected, is_parameter, fill] : wanted) {
    known.insert(name);
    const auto entry = found.find(name);
    if (entry == found.end()) {
      if (options.may_lack && options.may_lack(name)) continue;
      missing += fmt::format("\n  missing: {} {}", name, describe(expected));
    } else if (!fits_shape(expected, entry->second.shape())) {
      shapes += fmt::format("\n  shape: {} is {} in the file, {} in the module", name,
                            describe(entry->second), describe(expected));
    } else if (expected.dtype ? entry->second.dtype() != *expected.dtype
                              : is_parameter && !is_float(entry->second.dtype())) {
      dtypes += fmt::format("\n  dtype: {} is {} in the file, {} in the module", name,
                            describe(entry->second), describe(expected));
    }
  }
  for (const auto& [name, array] : found) {
    if (!known.contains(name)) unexpected += fmt::format("\n  unexpected: {} {}", name, describe(array));
  }
  return missing + unexpected + shapes + dtypes;
}

}  // namespace

void save(const Module& module, const std::string& path) {
  require_initialized("save", module);
  NamedArrays entries;
  for (const auto& [name, value] : module.named_parameters()) entries.emplace_back(name, value.data());
  for (const auto& [name, value] : module.named_buffers()) entries.emplace_back(name, value);
  save_npz(path, entries);
}

void load(Module& module, const std::string& path, const LoadOptions& options) {
  const std::vector<Place> wanted = places(module);
  const std::map<std::string, Array> found = read(path, options);
  if (const std::string lines = misfits(wanted, found, options); !lines.empty()) {
    throw IoError(fmt::format(
        "load: file '{}' does not fit the module; nothing was loaded{}\n  hint: the module must be "
        "built as the one that was saved; LoadOptions::rename maps names, LoadOptions::may_lack lets names "
        "be "
        "missing, Module::to changes dtypes",
        path, lines));
  }
  for (const Place& place : wanted) {
    if (const auto entry = found.find(place.name); entry != found.end()) place.fill(entry->second);
  }
}

std::string from_chainer(std::string_view name) {
  if (name.ends_with("/N")) return {};
  std::string dotted(name);
  std::replace(dotted.begin(), dotted.end(), '/', '.');
  return dotted;
}

}  // namespace fathom::nn

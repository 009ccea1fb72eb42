// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/io/serialize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include <fathom/core/error.hpp>
#include <fathom/core/npy.hpp>

namespace fathom::nn {

namespace {

/// What the module holds, by name, in its order. Arrays share the module's buffers.
NamedArrays state(std::string_view op, const Module& module) {
  NamedArrays entries;
  for (const auto& [name, value] : module.named_parameters()) {
    if (!value.defined()) {
      throw GraphError(
          fmt::format("{}: parameter {} has no data yet\n  hint: give a deferred parameter its data with "
                      "initialize",
                      op, name));
    }
    entries.emplace_back(name, value.data());
  }
  for (const auto& [name, value] : module.named_buffers()) entries.emplace_back(name, value);
  return entries;
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
std::string misfits(const NamedArrays& wanted, const std::map<std::string, Array>& found) {
  std::string missing, unexpected, shapes, dtypes;
  std::map<std::string_view, const Array*> known;
  for (const auto& [name, array] : wanted) {
    known.emplace(name, &array);
    const auto entry = found.find(name);
    if (entry == found.end()) {
      missing += fmt::format("\n  missing: {} {}", name, describe(array));
    } else if (entry->second.shape() != array.shape()) {
      shapes += fmt::format("\n  shape: {} is {} in the file, {} in the module", name,
                            describe(entry->second), describe(array));
    } else if (entry->second.dtype() != array.dtype()) {
      dtypes += fmt::format("\n  dtype: {} is {} in the file, {} in the module", name,
                            describe(entry->second), describe(array));
    }
  }
  for (const auto& [name, array] : found) {
    if (!known.contains(name)) unexpected += fmt::format("\n  unexpected: {} {}", name, describe(array));
  }
  return missing + unexpected + shapes + dtypes;
}

}  // namespace

void save(const Module& module, const std::string& path) { save_npz(path, state("save", module)); }

void load(Module& module, const std::string& path, const LoadOptions& options) {
  const NamedArrays wanted = state("load", module);
  const std::map<std::string, Array> found = read(path, options);
  if (const std::string lines = misfits(wanted, found); !lines.empty()) {
    throw IoError(fmt::format(
        "load: file '{}' does not fit the module; nothing was loaded{}\n  hint: the module must be "
        "built as the one that was saved; LoadOptions::rename maps names, Module::to changes dtypes",
        path, lines));
  }
  for (const auto& [name, array] : wanted) Array(array).assign(found.at(name));
}

std::string from_chainer(std::string_view name) {
  if (name.ends_with("/N")) return {};
  std::string dotted(name);
  std::replace(dotted.begin(), dotted.end(), '/', '.');
  return dotted;
}

}  // namespace fathom::nn

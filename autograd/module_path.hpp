// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include <fathom/core/export.hpp>

namespace fathom {

/// Within its lifetime this thread runs inside `object`, one level further down the path of modules. Costs a
/// few writes: names are looked up only when somebody asks for the path, and once for each scope.
class FATHOM_EXPORT ModulePathScope {
 public:
  /// The name of `object` as seen from `outer`, the object of the next scope outwards (null for the
  /// outermost).
  using Namer = std::string (*)(const void* outer, const void* object);

  ModulePathScope(const void* object, Namer namer);
  ModulePathScope(const ModulePathScope&) = delete;
  ModulePathScope& operator=(const ModulePathScope&) = delete;
  ~ModulePathScope();

 private:
  friend FATHOM_EXPORT std::string current_module_path();
  [[nodiscard]] const std::string& path() const;

  const void* object_;
  Namer namer_;
  const ModulePathScope* outer_;
  mutable std::optional<std::string> path_;
};

/// Where this thread is in its model: names joined by dots, "features.1.conv"; the outermost module has no
/// name. Empty outside of modules.
[[nodiscard]] FATHOM_EXPORT std::string current_module_path();

/// Within its lifetime functions of this thread that record a graph remember the module path they are made in
/// (Function::module_path). Every HookScope opens one; make one by hand to see paths in drawings.
class FATHOM_EXPORT KeepModulePathsScope {
 public:
  KeepModulePathsScope();
  KeepModulePathsScope(const KeepModulePathsScope&) = delete;
  KeepModulePathsScope& operator=(const KeepModulePathsScope&) = delete;
  ~KeepModulePathsScope();
};
[[nodiscard]] FATHOM_EXPORT bool keeps_module_paths();

}  // namespace fathom

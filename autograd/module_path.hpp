// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <fathom/core/export.hpp>

namespace fathom {

/// Within its lifetime this thread runs inside `object`, one level further down the path of modules. Costs
/// two pointer writes: names are looked up only when somebody asks for the path.
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

  const void* object_;
  Namer namer_;
  const ModulePathScope* outer_;
};

/// Where this thread is in its model: names joined by dots, "features.1.conv"; the outermost module has no
/// name. Empty outside of modules.
[[nodiscard]] FATHOM_EXPORT std::string current_module_path();

}  // namespace fathom

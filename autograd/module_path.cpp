// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/module_path.hpp>

namespace fathom {

namespace {
thread_local const ModulePathScope* innermost = nullptr;
}

ModulePathScope::ModulePathScope(const void* object, Namer namer)
    : object_(object), namer_(namer), outer_(innermost) {
  innermost = this;
}

ModulePathScope::~ModulePathScope() { innermost = outer_; }

std::string current_module_path() {
  std::string path;
  for (const ModulePathScope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    std::string name =
        scope->namer_(scope->outer_ == nullptr ? nullptr : scope->outer_->object_, scope->object_);
    if (name.empty()) continue;
    if (!path.empty()) name += '.';
    path.insert(0, name);
  }
  return path;
}

}  // namespace fathom

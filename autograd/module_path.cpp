// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/module_path.hpp>

namespace fathom {

namespace {
thread_local const ModulePathScope* innermost = nullptr;
thread_local int keeping = 0;
}  // namespace

ModulePathScope::ModulePathScope(const void* object, Namer namer)
    : object_(object), namer_(namer), outer_(innermost) {
  innermost = this;
}

ModulePathScope::~ModulePathScope() { innermost = outer_; }

const std::string& ModulePathScope::path() const {
  if (!path_) {
    std::string path = outer_ == nullptr ? std::string() : outer_->path();
    const std::string name = namer_(outer_ == nullptr ? nullptr : outer_->object_, object_);
    if (!path.empty() && !name.empty()) path += '.';
    path_ = path + name;
  }
  return *path_;
}

std::string current_module_path() { return innermost == nullptr ? std::string() : innermost->path(); }

KeepModulePathsScope::KeepModulePathsScope() { ++keeping; }
KeepModulePathsScope::~KeepModulePathsScope() { --keeping; }

bool keeps_module_paths() { return keeping > 0; }

}  // namespace fathom

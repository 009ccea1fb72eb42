// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/scopes.hpp>

#include <fathom/autograd/engine/hook_list.hpp>

namespace fathom {
namespace {
thread_local bool recording = true;
thread_local const Function* in_backward = nullptr;
}  // namespace

bool is_recording() { return recording; }

RecordingScope::RecordingScope(bool wanted) : before_(recording) { recording = wanted; }
RecordingScope::~RecordingScope() { recording = before_; }

std::vector<FunctionHook*>& detail::function_hooks() {
  thread_local std::vector<FunctionHook*> hooks;
  return hooks;
}

HookScope::HookScope(FunctionHook& hook) { detail::function_hooks().push_back(&hook); }
HookScope::~HookScope() { detail::function_hooks().pop_back(); }

const Function* function_in_backward() { return in_backward; }

detail::InBackwardScope::InBackwardScope(const Function& function) : before_(in_backward) {
  in_backward = &function;
}
detail::InBackwardScope::~InBackwardScope() { in_backward = before_; }

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
// Internal to autograd: the hooks of this thread, outermost first, and what runs backward.
#pragma once

#include <vector>

#include <fathom/autograd/hooks.hpp>

namespace fathom::detail {
std::vector<FunctionHook*>& function_hooks();

/// Within its lifetime `function_in_backward()` is `function`.
class InBackwardScope {
 public:
  explicit InBackwardScope(const Function& function);
  InBackwardScope(const InBackwardScope&) = delete;
  InBackwardScope& operator=(const InBackwardScope&) = delete;
  ~InBackwardScope();

 private:
  const Function* before_;
};
}  // namespace fathom::detail

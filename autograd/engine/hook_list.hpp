// SPDX-License-Identifier: BSD-3-Clause
// Internal to autograd: the hooks of this thread, outermost first.
#pragma once

#include <vector>

#include <fathom/autograd/hooks.hpp>

namespace fathom::detail {
std::vector<FunctionHook*>& function_hooks();
}  // namespace fathom::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include <fathom/autograd/function.hpp>
#include <fathom/autograd/module_path.hpp>

namespace fathom {

/// Sees every function that this thread applies, and what backward() gives to leaves, while a HookScope holds
/// it.
class FATHOM_EXPORT FunctionHook {
 public:
  FunctionHook() = default;
  FunctionHook(const FunctionHook&) = default;
  FunctionHook& operator=(const FunctionHook&) = default;
  virtual ~FunctionHook() = default;
  virtual void before_forward(const Function&, std::span<const Array> /*inputs*/) {}
  virtual void after_forward(const Function&, std::span<const Array> /*inputs*/,
                             std::span<const Array> /*outputs*/) {}
  virtual void before_backward(const Function&, std::span<const Variable> /*gys*/) {}
  /// `gxs` is what the function gave: undefined where not wanted.
  virtual void after_backward(const Function&, std::span<const Variable> /*gys*/,
                              std::span<const Variable> /*gxs*/) {}
  /// backward() is about to give the leaf with these values its gradient: the sum over all uses and, unless
  /// it was empty, what was there before. An exception leaves the gradients of all leaves as they are.
  virtual void before_leaf_gradient(const Array& /*leaf*/, const Array& /*gradient*/) {}
};

/// Calls `hook` for the functions of this thread within its lifetime. Scopes nest as calls do: the innermost
/// is the last to be called before a function and the first after it, so that a hook that measures has those
/// inside of it between its start and its end.
class FATHOM_EXPORT HookScope {
 public:
  explicit HookScope(FunctionHook& hook);
  HookScope(const HookScope&) = delete;
  HookScope& operator=(const HookScope&) = delete;
  ~HookScope();

 private:
  KeepModulePathsScope paths_;
};

/// The function whose backward this thread is running, null outside of backward. With `create_graph` the
/// functions that compute its gradients are applied meanwhile, and a hook can tell.
[[nodiscard]] FATHOM_EXPORT const Function* function_in_backward();

}  // namespace fathom

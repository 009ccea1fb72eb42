// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/hooks.hpp>

namespace fathom {

struct DebugOptions {
  bool nan = true;  ///< stop at NaN
  /// Stop at infinities. Some are made on purpose: masks of -inf, and max pooling where a window lies outside
  /// of the image altogether.
  bool infinity = true;
};

/// Within its lifetime the first function of this thread that gives a NaN or an infinity, forward or
/// backward, throws a NumericError: which function, in which module, which output or gradient, the first such
/// element, and what it was computed from. Every result is read once more; without the scope nothing is.
/// After an exception in backward the gradients of all leaves are as before.
///
///     const DebugScope debug;
///     backward(ops::sum(model(points)));
///
/// Sums of several gradients of one variable are not functions unless `create_graph`: an overflow there is
/// found by the function that gets the sum, or, in the gradient of a leaf, before any leaf gets its own.
class FATHOM_EXPORT DebugScope {
 public:
  explicit DebugScope(const DebugOptions& options = {}) : hook_(options), scope_(hook_) {}

 private:
  class FATHOM_EXPORT Hook final : public FunctionHook {
   public:
    explicit Hook(const DebugOptions& options) : options_(options) {}
    void after_forward(const Function& function, std::span<const Array> inputs,
                       std::span<const Array> outputs) override;
    void after_backward(const Function& function, std::span<const Variable> gys,
                        std::span<const Variable> gxs) override;
    void before_leaf_gradient(const Array& leaf, const Array& gradient) override;

   private:
    DebugOptions options_;
  };

  Hook hook_;
  HookScope scope_;
};

}  // namespace fathom

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ostream>

#include <fathom/autograd/hooks.hpp>

namespace fathom {

/// Prints a line for every call of a function, when it is done:
///
///     linear: float32 [2, 8], float32 [3, 8] -> float32 [2, 3]  in: classify
///     backward of linear: float32 [2, 3] -> float32 [2, 8], float32 [3, 8]  in: classify
///
/// A gradient that is not wanted or zero is a dash.
class FATHOM_EXPORT PrintHook final : public FunctionHook {
 public:
  /// `out` must outlive the hook.
  explicit PrintHook(std::ostream& out) : out_(&out) {}

  void after_forward(const Function& function, std::span<const Array> inputs,
                     std::span<const Array> outputs) override;
  void after_backward(const Function& function, std::span<const Variable> gys,
                      std::span<const Variable> gxs) override;

 private:
  std::ostream* out_;
};

}  // namespace fathom

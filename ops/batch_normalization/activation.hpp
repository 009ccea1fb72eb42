// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/activation.hpp>
#include <fathom/ops/activation/rules.hpp>

namespace fathom::ops::batch_norm {

/// The activation as the op of its own that it is fused from: kernels and gradients that can be
/// differentiated again take value and gradient from it.
template <Activation activation>
[[nodiscard]] auto rule_of() {
  static_assert(activation != Activation::none);
  if constexpr (activation == Activation::relu) {
    return rules::Relu{};
  } else {
    return rules::Relu6{6};
  }
}

}  // namespace fathom::ops::batch_norm

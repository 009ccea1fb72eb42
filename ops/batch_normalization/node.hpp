// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/function.hpp>
#include <fathom/ops/batch_normalization/layout.hpp>
#include <fathom/ops/rules/fused_activation.hpp>

/// What the functions with the batch's statistics and with given ones share.
namespace fathom::ops::batch_norm {

[[nodiscard]] Attributes attributes_of(const Layout& layout, double eps, Activation activation);

using ops::detail::through_activation;

/// Where the gradient of the residual, input `residual`, is written: what gets through the activation, in the
/// memory of gy where that is free; gy itself where there is no activation.
class ThroughBuffer {
 public:
  ThroughBuffer(const Wanted& wanted, Activation activation, std::size_t residual, const Array& gy,
                std::span<GradientSink> into);
  /// Null where nothing is to be written.
  [[nodiscard]] Array* get() { return through_; }
  /// At the end: hands over what was not written in its place.
  void give(const Array& gy);

 private:
  GradientSink* sink_ = nullptr;
  Array* through_ = nullptr;
  Array own_;  // where gradients have come already
};

}  // namespace fathom::ops::batch_norm

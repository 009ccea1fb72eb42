// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/node.hpp>

#include <fmt/format.h>

namespace fathom::ops::batch_norm {

Attributes attributes_of(const Layout& layout, double eps, Activation activation) {
  Attributes result{{"eps", fmt::format("{}", eps)}, {"axis", to_string(Shape(layout.averaged))}};
  if (activation != Activation::none) result.emplace_back("activation", to_string(activation));
  return result;
}

ThroughBuffer::ThroughBuffer(const Wanted& wanted, Activation activation, std::size_t residual,
                             const Array& gy, std::span<GradientSink> into) {
  if (!wanted[residual]) return;
  sink_ = &into[residual];
  if (activation == Activation::none) return;
  if (sink_->accumulates()) {
    own_ = Array::empty(gy.shape(), gy.dtype());
    through_ = &own_;
  } else {
    through_ = &sink_->buffer_over(gy);
    sink_ = nullptr;
  }
}

void ThroughBuffer::give(const Array& gy) {
  if (sink_ != nullptr) sink_->give(through_ == nullptr ? gy : own_);
}

}  // namespace fathom::ops::batch_norm

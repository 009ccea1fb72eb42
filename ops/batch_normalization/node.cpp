// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/node.hpp>

#include <fmt/format.h>


namespace fathom::ops::batch_norm {

Attributes attributes_of(const Layout& layout, double eps, Activation activation) {
  Attributes result{{"eps", fmt::format("{}", eps)}, {"axis", to_string(Shape(layout.averaged))}};
  if (activation != Activation::none) result.emplace_back("activation", to_string(activation));
  return result;
}

GradientSums take_sums(const Geometry& geometry, const Array& x, const PerChannel& center, bool keeps_through,
                       Upstream& upstream) {
  if (!keeps_through || upstream.activation == Activation::none) {
    return gradient_sums(geometry, x, upstream, center);
  }
  Array through = Array::empty(x.shape(), x.dtype());
  GradientSums sums = gradient_sums(geometry, x, upstream, center, &through);
  upstream = {std::move(through)};
  return sums;
}

}  // namespace fathom::ops::batch_norm

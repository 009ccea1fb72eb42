// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/function.hpp>
#include <fathom/ops/batch_normalization/layout.hpp>
#include <fathom/ops/rules/fused_activation.hpp>

/// What the functions with the batch's statistics and with given ones share.
namespace fathom::ops::batch_norm {

[[nodiscard]] Attributes attributes_of(const Layout& layout, double eps, Activation activation);

using ops::detail::through_activation;

/// gradient_sums. With `keeps_through`, for a residual, upstream.gy is afterwards what got through the
/// activation.
[[nodiscard]] GradientSums take_sums(const Geometry& geometry, const Array& x, const PerChannel& center,
                                     bool keeps_through, Upstream& upstream);

}  // namespace fathom::ops::batch_norm

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/rule.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/deconvolution_2d/check.hpp>

namespace fathom::ops {

Variable deconvolution_2d(const Variable& x, const Variable& W, const Variable& b,
                          const Deconvolution2DOptions& options) {
  // Its x is the map of the convolution that it is the adjoint of, its y the image.
  const detail::Convolution2D rule{detail::check_deconvolution_2d(x, W, b, options)};
  return detail::trilinear(detail::Part::x, rule, x, W, b);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/convolution_2d/check.hpp>
#include <fathom/ops/convolution_2d/rule.hpp>

namespace fathom::ops {

Variable convolution_2d(const Variable& x, const Variable& W, const Variable& b,
                        const Convolution2DOptions& options) {
  const detail::Convolution2D rule{detail::check_convolution_2d(x, W, b, options)};
  return detail::trilinear(detail::Part::y, rule, x, W, b, options.activation);
}

}  // namespace fathom::ops

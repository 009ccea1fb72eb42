// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/convolution_2d/geometry.hpp>
#include <fathom/ops/rules/trilinear.hpp>

namespace fathom::ops::detail {

/// The rule of the three nodes of a geometry, convolution_2d, deconvolution_2d and convolution_2d_grad_w: x
/// is the image, y the map.
struct Convolution2D {
  ConvolutionGeometry geometry;

  [[nodiscard]] static std::string_view name(Part made);
  [[nodiscard]] Attributes attributes() const;
  [[nodiscard]] Shape shape(Part made, std::int64_t n) const;
  void make(Part made, const Array& first, const Array& second, const Epilogue& epilogue, bool accumulates,
            Array& out) const;
  [[nodiscard]] bool makes_biased_weights() const;
  [[nodiscard]] Array make_biased_weights(const Array& image, const PendingGradient& map, bool accumulates,
                                          Array& W) const;
};

}  // namespace fathom::ops::detail

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>
#include <fathom/ops/convolution_2d/geometry.hpp>
#include <fathom/ops/rules/trilinear.hpp>

namespace fathom::ops::detail {

/// The three products of a geometry on checked Arrays, without a graph. Each writes its last argument, or
/// adds to it when `accumulate`. They are GEMMs without an im2col buffer: their operands made of pixels lay
/// themselves out a block at a time or pack themselves, from the images or, where pixels outside are needed
/// or the horizontal stride is not 1, from a padded copy. First layers have a path of their own.

/// map = image convolved with W; the epilogue's bias has map_channels values.
void convolve(const ConvolutionGeometry& geometry, const Array& image, const Array& W,
              const Epilogue& epilogue, bool accumulate, Array& map);
/// image = the adjoint of convolve applied to map; the epilogue's bias has image_channels values.
void deconvolve(const ConvolutionGeometry& geometry, const Array& map, const Array& W,
                const Epilogue& epilogue, bool accumulate, Array& image);
/// W = the derivative of sum(convolve(image, W) * map) with respect to W.
void convolve_grad_w(const ConvolutionGeometry& geometry, const Array& image, const Array& map,
                     bool accumulate, Array& W);

/// Whether `convolve_biased_grad_w` takes one pass over the map's gradient.
[[nodiscard]] bool has_biased_grad_w(const ConvolutionGeometry& geometry);
/// As `convolve_grad_w`, with the map's gradient yet to go through an activation; returns the sums of what
/// comes through over all axes but that of the channels, the gradient of a bias.
[[nodiscard]] Array convolve_biased_grad_w(const ConvolutionGeometry& geometry, const Array& image,
                                           const PendingGradient& map, bool accumulate, Array& W);

}  // namespace fathom::ops::detail

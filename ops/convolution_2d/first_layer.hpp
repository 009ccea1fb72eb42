// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>
#include <fathom/ops/convolution_2d/geometry.hpp>
#include <fathom/ops/rules/trilinear.hpp>

namespace fathom::ops::detail {

/// Whether a convolution has so few image channels that everything a row of the map needs fits into the
/// first-level cache, and rows long enough to be computed one by one: half of the longest vector.
[[nodiscard]] bool is_first_layer(const ConvolutionGeometry& geometry);

/// As `convolve`, for first layers: the padded image exists for a few rows at a time.
template <class T>
void convolve_first_layer(const ConvolutionGeometry& geometry, const Array& image, const Array& W,
                          const Epilogue& epilogue, bool accumulate, Array& map);

/// Whether it is a first layer with rows that fill most of their vectors, and so few weights that there can
/// be a vector of sums for each.
[[nodiscard]] bool has_first_layer_grad_w(const ConvolutionGeometry& geometry);

/// As `convolve_grad_w`, for these. The map is read a strip at a time; there it goes through the activation,
/// and its sums are taken, into `gb` (map_channels) unless that is null.
template <class T>
void first_layer_grad_w(const ConvolutionGeometry& geometry, const Array& image, const PendingGradient& map,
                        bool accumulate, Array& W, Array* gb);

extern template void first_layer_grad_w<float>(const ConvolutionGeometry&, const Array&,
                                               const PendingGradient&, bool, Array&, Array*);
extern template void first_layer_grad_w<double>(const ConvolutionGeometry&, const Array&,
                                                const PendingGradient&, bool, Array&, Array*);
extern template void convolve_first_layer<float>(const ConvolutionGeometry&, const Array&, const Array&,
                                                 const Epilogue&, bool, Array&);
extern template void convolve_first_layer<double>(const ConvolutionGeometry&, const Array&, const Array&,
                                                  const Epilogue&, bool, Array&);

}  // namespace fathom::ops::detail

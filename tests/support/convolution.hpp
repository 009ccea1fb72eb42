// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ostream>
#include <vector>

#include <fathom/core/array.hpp>

namespace fathom::test {

/// A convolution's sizes: image, map and weights as in ops::convolution_2d.
struct ConvolutionCase {
  std::int64_t n, image_channels, map_channels, groups;
  Pair2 image, kernel, stride, pad, dilation;
  bool cover_all = false;

  [[nodiscard]] Pair2 map() const;
  [[nodiscard]] Shape image_shape() const { return {n, image_channels, image.y, image.x}; }
  [[nodiscard]] Shape map_shape() const { return {n, map_channels, map().y, map().x}; }
  [[nodiscard]] Shape weight_shape() const {
    return {map_channels, image_channels / groups, kernel.y, kernel.x};
  }
};
std::ostream& operator<<(std::ostream& out, const ConvolutionCase& c);

/// Odd sizes and all options: 1x1 and large pixels, kernel = image, pad > kernel / 2, stride > kernel, first
/// layers, rows that fill vectors and blocks or just do not, and what each way to lay pixels out cuts apart.
[[nodiscard]] std::vector<ConvolutionCase> convolution_cases();

/// The definitions in plain loops, float64; `magnitudes` takes the absolute products, for tolerances.
[[nodiscard]] Array reference_convolution(const ConvolutionCase& c, const Array& image, const Array& W,
                                          bool magnitudes = false);
[[nodiscard]] Array reference_deconvolution(const ConvolutionCase& c, const Array& map, const Array& W,
                                            bool magnitudes = false);
[[nodiscard]] Array reference_grad_w(const ConvolutionCase& c, const Array& image, const Array& map,
                                     bool magnitudes = false);

/// How many elements of `result` lie further from `expected` than sums of `terms` products with these
/// magnitudes may.
[[nodiscard]] std::int64_t count_far(const Array& result, const Array& expected, const Array& magnitudes,
                                     std::int64_t terms);

}  // namespace fathom::test

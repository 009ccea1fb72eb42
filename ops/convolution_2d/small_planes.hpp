// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <fathom/ops/convolution_2d/shifted_planes.hpp>

namespace fathom::ops::detail {

/// How long a product takes by `convolve_small_planes`, in the unit of ShiftedBlocks::cost; infinite where it
/// does not suit.
[[nodiscard]] double small_planes_cost(const ShiftedProduct& product, std::int64_t element_size);

/// result = the product of planes and weights (group, result, channel, ky, kx), or adds it. The images of the
/// batch lie side by side meanwhile, pixel by pixel: a vector is one pixel of several images, so that weights
/// which see nothing there are left out and no lane is empty, however small the planes are. Counted as
/// kernel `name`, once for each set of pixels that the same weights see.
template <class T>
void convolve_small_planes(std::string_view name, const ShiftedProduct& product, const T* planes,
                           const T* weights, fathom::detail::GemmEpilogue<T> epilogue, bool accumulate,
                           T* result);

extern template void convolve_small_planes<float>(std::string_view, const ShiftedProduct&, const float*,
                                                  const float*, fathom::detail::GemmEpilogue<float>, bool,
                                                  float*);
extern template void convolve_small_planes<double>(std::string_view, const ShiftedProduct&, const double*,
                                                   const double*, fathom::detail::GemmEpilogue<double>, bool,
                                                   double*);

}  // namespace fathom::ops::detail

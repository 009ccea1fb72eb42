// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct Im2ColOptions {
  Pair2 kernel = 3;
  Pair2 stride = 1;
  Pair2 pad = 0;  ///< zeros on both sides
  Pair2 dilation = 1;
  bool cover_all = false;  ///< round the output size up, so that every pixel is in a window
};

/// What a kernel sees at each place, as columns: y[n, (k kH + i) kW + j, oy, ox] = x[n, k, oy stride + i
/// dilation - pad, ox ...], 0 outside of the image. The gradient is col2im.
/// @param x (n, c, h, w)   @return (n, c*kH*kW, hO, wO), the sizes as those of convolution_2d
/// @throws ShapeError unless x has four axes and the kernel fits the padded image; ValueError.
/// Source: K. Chellapilla, S. Puri and P. Simard, High Performance Convolutional Neural Networks for Document
/// Processing, 2006.
[[nodiscard]] FATHOM_EXPORT Variable im2col(const Variable& x, const Im2ColOptions& options = {});

/// Columns put back where im2col took them from an image of size `image`; what meets one pixel adds up, and
/// what met the border is dropped. The gradient is im2col.
/// @param x (n, c*kH*kW, hO, wO)   @return (n, c, image.y, image.x)
/// @throws ShapeError unless x is what im2col gives of such an image; ValueError.
[[nodiscard]] FATHOM_EXPORT Variable col2im(const Variable& x, Pair2 image,
                                            const Im2ColOptions& options = {});

}  // namespace fathom::ops

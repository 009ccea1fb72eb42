// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/elementwise.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d/check.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>
#include <fathom/ops/rules/trilinear.hpp>

namespace fathom::ops {
namespace {

using detail::Epilogue;
using detail::Part;

/// The rule of its three nodes: y(x, W), gx(gy, W) and gW(x, gy).
struct DepthwiseConvolution2D {
  depthwise::Geometry geometry;

  static std::string_view name(Part made) {
    switch (made) {
      case Part::x:
        return "depthwise_convolution_2d_grad_x";
      case Part::W:
        return "depthwise_convolution_2d_grad_w";
      case Part::y:
        break;
    }
    return "depthwise_convolution_2d";
  }

  [[nodiscard]] Attributes attributes() const {
    return {{"stride", to_string(Pair2{geometry.stride_y, geometry.stride_x})},
            {"pad", to_string(Pair2{geometry.pad_y, geometry.pad_x})},
            {"dilation", to_string(Pair2{geometry.dilation_y, geometry.dilation_x})}};
  }

  [[nodiscard]] Shape shape(Part made, std::int64_t n) const {
    switch (made) {
      case Part::x:
        return {n, geometry.channels, geometry.height, geometry.width};
      case Part::W:
        return {geometry.multiplier, geometry.channels, geometry.kernel_y, geometry.kernel_x};
      case Part::y:
        break;
    }
    return {n, geometry.out_channels(), geometry.out_height, geometry.out_width};
  }

  void make(Part made, const Array& first, const Array& second, const Epilogue& epilogue, bool accumulates,
            Array& out) const {
    if (made == Part::W) {
      depthwise::run_grad_w(geometry, first, second, out, accumulates);
    } else if (accumulates) {  // the kernels of x and y only overwrite
      Array addend = Array::empty(out.shape(), out.dtype());
      make(made, first, second, epilogue, false, addend);
      add_into(out, addend);
    } else if (made == Part::x) {
      depthwise::run_grad_x(geometry, first, second, out);
    } else {
      depthwise::run_forward(geometry, first, second, epilogue.b, epilogue.activation, out);
    }
  }
};

}  // namespace

Variable depthwise_convolution_2d(const Variable& x, const Variable& W, const Variable& b,
                                  const DepthwiseConvolution2DOptions& options) {
  return detail::trilinear(Part::y, DepthwiseConvolution2D{depthwise::check(x, W, b, options)}, x, W, b,
                           options.activation);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <fathom/core/reduce.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/convolution_2d/check.hpp>
#include <fathom/ops/convolution_2d/nodes.hpp>
#include <fathom/ops/convolution_2d/products.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {
namespace {

/// Inputs: image, W and perhaps b; output: map.
class Convolution2D final : public Function {
 public:
  explicit Convolution2D(const detail::ConvolutionGeometry& geometry) : geometry_(geometry) {}

  [[nodiscard]] std::string_view name() const override { return "convolution_2d"; }
  [[nodiscard]] Attributes attributes() const override { return detail::attributes(geometry_); }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    const Array& image = inputs[0];
    retain_inputs({0, 1});
    Array map = Array::empty(geometry_.map_shape(image.shape()[0]), image.dtype());
    detail::convolve(geometry_, image, inputs[1], inputs.size() > 2 ? inputs[2] : Array{}, false, map);
    return {map};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    Variables gradients(inputs().size());
    if (wanted[0]) gradients[0] = detail::deconvolution(geometry_, gys[0], input(1));
    if (wanted[1]) gradients[1] = detail::convolution_grad_w(geometry_, input(0), gys[0]);
    if (wanted[2]) gradients[2] = sum(gys[0], {.axis = Axes{0, 2, 3}});
    return gradients;
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    if (wanted[0]) {
      const bool accumulates = into[0].accumulates();
      detail::deconvolve(geometry_, gys[0], input_array(1), {}, accumulates, into[0].buffer());
    }
    if (wanted[1]) {
      const bool accumulates = into[1].accumulates();
      detail::convolve_grad_w(geometry_, input_array(0), gys[0], accumulates, into[1].buffer());
    }
    if (wanted[2]) into[2].give(fathom::sum(gys[0], Axes{0, 2, 3}));
  }

 private:
  detail::ConvolutionGeometry geometry_;
};

}  // namespace

Attributes detail::attributes(const ConvolutionGeometry& geometry) {
  return {{"kernel", to_string(geometry.kernel)},
          {"stride", to_string(geometry.stride)},
          {"pad", to_string(geometry.pad)},
          {"dilation", to_string(geometry.dilation)},
          {"groups", fmt::format("{}", geometry.groups)}};
}

Variable detail::convolution(const ConvolutionGeometry& geometry, const Variable& image, const Variable& W,
                             const Variable& b) {
  if (!b.defined()) return apply<Convolution2D>({image, W}, geometry);
  return apply<Convolution2D>({image, W, b}, geometry);
}

Variable convolution_2d(const Variable& x, const Variable& W, const Variable& b,
                        const Convolution2DOptions& options) {
  return detail::convolution(detail::check_convolution_2d(x, W, b, options), x, W, b);
}

}  // namespace fathom::ops

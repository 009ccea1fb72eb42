// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/reduce.hpp>
#include <fathom/ops/convolution_2d/nodes.hpp>
#include <fathom/ops/convolution_2d/products.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/deconvolution_2d/check.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {
namespace {

/// Inputs: map, W and perhaps b; output: image.
class Deconvolution2D final : public Function {
 public:
  explicit Deconvolution2D(const detail::ConvolutionGeometry& geometry) : geometry_(geometry) {}

  [[nodiscard]] std::string_view name() const override { return "deconvolution_2d"; }
  [[nodiscard]] Attributes attributes() const override { return detail::attributes(geometry_); }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    const Array& map = inputs[0];
    retain_inputs({0, 1});
    Array image = Array::empty(geometry_.image_shape(map.shape()[0]), map.dtype());
    detail::deconvolve(geometry_, map, inputs[1], inputs.size() > 2 ? inputs[2] : Array{}, false, image);
    return {image};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    Variables gradients(inputs().size());
    if (wanted[0]) gradients[0] = detail::convolution(geometry_, gys[0], input(1));
    if (wanted[1]) gradients[1] = detail::convolution_grad_w(geometry_, gys[0], input(0));
    if (wanted[2]) gradients[2] = sum(gys[0], {.axis = Axes{0, 2, 3}});
    return gradients;
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    if (wanted[0]) {
      const bool accumulates = into[0].accumulates();
      detail::convolve(geometry_, gys[0], input_array(1), {}, accumulates, into[0].buffer());
    }
    if (wanted[1]) {
      const bool accumulates = into[1].accumulates();
      detail::convolve_grad_w(geometry_, gys[0], input_array(0), accumulates, into[1].buffer());
    }
    if (wanted[2]) into[2].give(fathom::sum(gys[0], Axes{0, 2, 3}));
  }

 private:
  detail::ConvolutionGeometry geometry_;
};

}  // namespace

Variable detail::deconvolution(const ConvolutionGeometry& geometry, const Variable& map, const Variable& W,
                               const Variable& b) {
  if (!b.defined()) return apply<Deconvolution2D>({map, W}, geometry);
  return apply<Deconvolution2D>({map, W, b}, geometry);
}

Variable deconvolution_2d(const Variable& x, const Variable& W, const Variable& b,
                          const Deconvolution2DOptions& options) {
  return detail::deconvolution(detail::check_deconvolution_2d(x, W, b, options), x, W, b);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/nodes.hpp>
#include <fathom/ops/convolution_2d/products.hpp>

namespace fathom::ops {
namespace {

/// Inputs: image and map; output: what convolution's W gets when map is the gradient of its output.
class Convolution2DGradW final : public Function {
 public:
  explicit Convolution2DGradW(const detail::ConvolutionGeometry& geometry) : geometry_(geometry) {}

  [[nodiscard]] std::string_view name() const override { return "convolution_2d_grad_w"; }
  [[nodiscard]] Attributes attributes() const override { return detail::attributes(geometry_); }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    retain_inputs({0, 1});
    Array W = Array::empty(geometry_.weight_shape(), inputs[0].dtype());
    detail::convolve_grad_w(geometry_, inputs[0], inputs[1], false, W);
    return {W};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    Variables gradients(2);
    if (wanted[0]) gradients[0] = detail::deconvolution(geometry_, input(1), gys[0]);
    if (wanted[1]) gradients[1] = detail::convolution(geometry_, input(0), gys[0]);
    return gradients;
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    if (wanted[0]) {
      const bool accumulates = into[0].accumulates();
      detail::deconvolve(geometry_, input_array(1), gys[0], {}, accumulates, into[0].buffer());
    }
    if (wanted[1]) {
      const bool accumulates = into[1].accumulates();
      detail::convolve(geometry_, input_array(0), gys[0], {}, accumulates, into[1].buffer());
    }
  }

 private:
  detail::ConvolutionGeometry geometry_;
};

}  // namespace

Variable detail::convolution_grad_w(const ConvolutionGeometry& geometry, const Variable& image,
                                    const Variable& map) {
  return apply<Convolution2DGradW>({image, map}, geometry);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/function.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d/check.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {
namespace {

using depthwise::Geometry;

Shape image_shape(const Geometry& g) { return {g.images, g.channels, g.height, g.width}; }
Shape kernel_shape(const Geometry& g) { return {g.multiplier, g.channels, g.kernel_y, g.kernel_x}; }
Shape output_shape(const Geometry& g) { return {g.images, g.out_channels(), g.out_height, g.out_width}; }

Array forward_array(const Geometry& geometry, const Array& x, const Array& W, const Array& b = {}) {
  Array y = Array::empty(output_shape(geometry), x.dtype());
  depthwise::run_forward(geometry, x, W, b, y);
  return y;
}

Array grad_x_array(const Geometry& geometry, const Array& gy, const Array& W) {
  Array gx = Array::empty(image_shape(geometry), gy.dtype());
  depthwise::run_grad_x(geometry, gy, W, gx);
  return gx;
}

void add_grad_w(const Geometry& geometry, const Array& x, const Array& gy, GradientSink& into) {
  const bool accumulate = into.accumulates();
  depthwise::run_grad_w(geometry, x, gy, into.buffer(), accumulate);
}

/// What the three functions below share. <gy, y(x, W)> is linear in x, W and gy; the derivatives with respect
/// to each are the three maps gx(gy, W), gW(x, gy) and y(x, W), so each one's gradients are the other two.
class DepthwiseFunction : public Function {
 public:
  explicit DepthwiseFunction(const Geometry& geometry) : geometry_(geometry) {}
  [[nodiscard]] Attributes attributes() const final {
    return {{"stride", to_string(Pair2{geometry_.stride_y, geometry_.stride_x})},
            {"pad", to_string(Pair2{geometry_.pad_y, geometry_.pad_x})},
            {"dilation", to_string(Pair2{geometry_.dilation_y, geometry_.dilation_x})}};
  }
  [[nodiscard]] bool has_backward_arrays() const final { return true; }

 protected:
  Geometry geometry_;
};

class DepthwiseConvolution2D final : public DepthwiseFunction {
 public:
  using DepthwiseFunction::DepthwiseFunction;
  [[nodiscard]] std::string_view name() const override { return "depthwise_convolution_2d"; }
  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override;
  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override;
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override;
};

/// gx(gy, W): where each output gradient came from.
class DepthwiseConvolution2DGradX final : public DepthwiseFunction {
 public:
  using DepthwiseFunction::DepthwiseFunction;
  [[nodiscard]] std::string_view name() const override { return "depthwise_convolution_2d_grad_x"; }
  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override;
  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> ggxs) override;
  void backward_arrays(const Wanted& wanted, std::span<const Array> ggxs,
                       std::span<GradientSink> into) override;
};

/// gW(x, gy): how each tap's pixels go together with the output gradients.
class DepthwiseConvolution2DGradW final : public DepthwiseFunction {
 public:
  using DepthwiseFunction::DepthwiseFunction;
  [[nodiscard]] std::string_view name() const override { return "depthwise_convolution_2d_grad_w"; }
  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override;
  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> ggWs) override;
  void backward_arrays(const Wanted& wanted, std::span<const Array> ggWs,
                       std::span<GradientSink> into) override;
};

Variable forward_of(const Geometry& geometry, const Variable& x, const Variable& W) {
  return apply<DepthwiseConvolution2D>({x, W}, geometry);
}
Variable grad_x_of(const Geometry& geometry, const Variable& gy, const Variable& W) {
  return apply<DepthwiseConvolution2DGradX>({gy, W}, geometry);
}
Variable grad_w_of(const Geometry& geometry, const Variable& x, const Variable& gy) {
  return apply<DepthwiseConvolution2DGradW>({x, gy}, geometry);
}

Arrays DepthwiseConvolution2D::forward(std::span<const Array> inputs) {
  retain_inputs({0, 1});
  return {forward_array(geometry_, inputs[0], inputs[1], inputs.size() > 2 ? inputs[2] : Array{})};
}

Variables DepthwiseConvolution2D::backward(const Wanted& wanted, std::span<const Variable> gys) {
  const Variable& gy = gys[0];
  Variables gradients(inputs().size());
  if (wanted[0]) gradients[0] = grad_x_of(geometry_, gy, input(1));
  if (wanted[1]) gradients[1] = grad_w_of(geometry_, input(0), gy);
  if (wanted[2]) gradients[2] = sum(gy, {.axis = Axes{0, 2, 3}});
  return gradients;
}

void DepthwiseConvolution2D::backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                                             std::span<GradientSink> into) {
  const Array& gy = gys[0];
  if (wanted[0]) into[0].give(grad_x_array(geometry_, gy, input_array(1)));
  if (wanted[1]) add_grad_w(geometry_, input_array(0), gy, into[1]);
  if (wanted[2]) into[2].give(fathom::sum(gy, Axes{0, 2, 3}));
}

Arrays DepthwiseConvolution2DGradX::forward(std::span<const Array> inputs) {
  retain_inputs({0, 1});
  return {grad_x_array(geometry_, inputs[0], inputs[1])};
}

Variables DepthwiseConvolution2DGradX::backward(const Wanted& wanted, std::span<const Variable> ggxs) {
  const Variable& ggx = ggxs[0];
  return {wanted[0] ? forward_of(geometry_, ggx, input(1)) : Variable{},
          wanted[1] ? grad_w_of(geometry_, ggx, input(0)) : Variable{}};
}

void DepthwiseConvolution2DGradX::backward_arrays(const Wanted& wanted, std::span<const Array> ggxs,
                                                  std::span<GradientSink> into) {
  const Array& ggx = ggxs[0];
  if (wanted[0]) into[0].give(forward_array(geometry_, ggx, input_array(1)));
  if (wanted[1]) add_grad_w(geometry_, ggx, input_array(0), into[1]);
}

Arrays DepthwiseConvolution2DGradW::forward(std::span<const Array> inputs) {
  retain_inputs({0, 1});
  Array gW = Array::empty(kernel_shape(geometry_), inputs[0].dtype());
  depthwise::run_grad_w(geometry_, inputs[0], inputs[1], gW, false);
  return {gW};
}

Variables DepthwiseConvolution2DGradW::backward(const Wanted& wanted, std::span<const Variable> ggWs) {
  const Variable& ggW = ggWs[0];
  return {wanted[0] ? grad_x_of(geometry_, input(1), ggW) : Variable{},
          wanted[1] ? forward_of(geometry_, input(0), ggW) : Variable{}};
}

void DepthwiseConvolution2DGradW::backward_arrays(const Wanted& wanted, std::span<const Array> ggWs,
                                                  std::span<GradientSink> into) {
  const Array& ggW = ggWs[0];
  if (wanted[0]) into[0].give(grad_x_array(geometry_, input_array(1), ggW));
  if (wanted[1]) into[1].give(forward_array(geometry_, input_array(0), ggW));
}

}  // namespace

Variable depthwise_convolution_2d(const Variable& x, const Variable& W, const Variable& b,
                                  const DepthwiseConvolution2DOptions& options) {
  const Geometry geometry = depthwise::check(x, W, b, options);
  return b.defined() ? apply<DepthwiseConvolution2D>({x, W, b}, geometry) : forward_of(geometry, x, W);
}

}  // namespace fathom::ops

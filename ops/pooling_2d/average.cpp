// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/function.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/pooling_2d/check.hpp>
#include <fathom/ops/pooling_2d/passes.hpp>
#include <fathom/ops/rules/separable.hpp>

namespace fathom::ops {

namespace {

using pooling::Geometry;

constexpr std::string_view kName = "average_pooling_2d";

/// Averages, or (`backwards`) spreads a gradient over the windows: each is the other's derivative.
template <bool backwards>
class AveragePooling2D final : public Function {
 public:
  explicit AveragePooling2D(const Geometry& geometry) : geometry_(geometry) {}
  std::string_view name() const override { return backwards ? "average_pooling_2d_grad" : kName; }
  Attributes attributes() const override { return pooling::attributes(geometry_); }

  Arrays forward(std::span<const Array> inputs) override {
    const Shape shape = backwards ? pooling::image_shape(geometry_) : pooling::output_shape(geometry_);
    Array y = Array::empty(shape, inputs[0].dtype());
    run(inputs[0], false, backwards, y);
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {apply<AveragePooling2D<!backwards>>({gys[0]}, geometry_)};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const bool accumulate = into[0].accumulates();
    run(gys[0], accumulate, !backwards, into[0].buffer());
  }

 private:
  void run(const Array& x, bool accumulate, bool spreads, Array& y) const {
    spreads ? pooling::spread(geometry_, x, accumulate, y) : pooling::average(geometry_, x, accumulate, y);
  }

  Geometry geometry_;
};

/// Whether a window reaches beyond the image, so that its pixels there may count or not.
bool has_border(const Geometry& g) {
  return g.pad_y > 0 || g.pad_x > 0 || (g.out_height - 1) * g.stride_y + g.kernel_y > g.height ||
         (g.out_width - 1) * g.stride_x + g.kernel_x > g.width;
}

/// The mean of the pixels inside the image alone.
Variable inner_average(const Variable& x, const Geometry& g) {
  using detail::WindowWeight;
  Attributes options = pooling::attributes(g);
  options.push_back({"count_include_pad", "false"});
  return detail::linear_map(
      x, detail::Separable{kName,
                           "average_pooling_2d_grad",
                           {detail::window_matrix(g.height, g.out_height, g.kernel_y, g.stride_y, g.pad_y,
                                                  WindowWeight::inner_share),
                            detail::window_matrix(g.width, g.out_width, g.kernel_x, g.stride_x, g.pad_x,
                                                  WindowWeight::inner_share)},
                           std::move(options)});
}

}  // namespace

Variable average_pooling_2d(const Variable& x, const AveragePooling2DOptions& options) {
  const Geometry geometry = pooling::check(kName, detail::array_or_undefined(x), options.kernel,
                                           options.stride, options.pad, std::nullopt);
  if (!options.count_include_pad && has_border(geometry)) return inner_average(x, geometry);
  return apply<AveragePooling2D<false>>({x}, geometry);
}

}  // namespace fathom::ops

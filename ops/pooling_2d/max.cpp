// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <fathom/autograd/function.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/pooling_2d/check.hpp>
#include <fathom/ops/pooling_2d/passes.hpp>

namespace fathom::ops {

namespace {

using pooling::Geometry;

constexpr std::string_view kName = "max_pooling_2d";

/// Takes the pixels at the positions (`gathers`), or puts a gradient back to them: each is the other's
/// derivative.
template <bool gathers>
class MaxPooling2DMove final : public Function {
 public:
  MaxPooling2DMove(const Geometry& geometry, Array positions)
      : geometry_(geometry), positions_(std::move(positions)) {}
  std::string_view name() const override { return gathers ? "max_pooling_2d_gather" : "max_pooling_2d_grad"; }

  Arrays forward(std::span<const Array> inputs) override {
    const Shape shape = gathers ? pooling::output_shape(geometry_) : pooling::image_shape(geometry_);
    Array y = Array::empty(shape, inputs[0].dtype());
    gathers ? pooling::gather(geometry_, positions_, inputs[0], y)
            : pooling::scatter(geometry_, positions_, inputs[0], false, y);
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {apply<MaxPooling2DMove<!gathers>>({gys[0]}, geometry_, positions_)};
  }

 private:
  Geometry geometry_;
  Array positions_;
};

class MaxPooling2D final : public Function {
 public:
  MaxPooling2D(const Geometry& geometry, bool cover_all) : geometry_(geometry), cover_all_(cover_all) {}
  std::string_view name() const override { return kName; }
  Attributes attributes() const override {
    Attributes result = pooling::attributes(geometry_);
    result.push_back({"cover_all", fmt::format("{}", cover_all_)});
    return result;
  }

  Arrays forward(std::span<const Array> inputs) override {
    Array positions = Array::empty(pooling::output_shape(geometry_), DType::int32);
    Array y = Array::empty(positions.shape(), inputs[0].dtype());
    pooling::find_largest(geometry_, inputs[0], y, positions);
    retain("positions", std::move(positions));
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {apply<MaxPooling2DMove<false>>({gys[0]}, geometry_, retained("positions"))};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const bool accumulate = into[0].accumulates();
    pooling::scatter(geometry_, retained("positions"), gys[0], accumulate, into[0].buffer());
  }

 private:
  Geometry geometry_;
  bool cover_all_;
};

}  // namespace

Variable max_pooling_2d(const Variable& x, const MaxPooling2DOptions& options) {
  const Geometry geometry = pooling::check(kName, detail::array_or_undefined(x), options.kernel,
                                           options.stride, options.pad, options.cover_all);
  return apply<MaxPooling2D>({x}, geometry, options.cover_all);
}

}  // namespace fathom::ops

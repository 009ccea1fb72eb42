// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <utility>

#include <fathom/autograd/function.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/pooling_2d/check.hpp>
#include <fathom/ops/pooling_2d/positions.hpp>

namespace fathom::ops {

namespace {

using pooling::Geometry;

constexpr std::string_view kName = "max_pooling_2d";

class MaxPooling2D final : public Function {
 public:
  /// Fills `places`, of the output's shape.
  MaxPooling2D(const Geometry& geometry, bool cover_all, Array places)
      : geometry_(geometry), cover_all_(cover_all), places_(std::move(places)) {}
  std::string_view name() const override { return kName; }
  Attributes attributes() const override {
    Attributes result = pooling::attributes(geometry_);
    result.push_back({"cover_all", fmt::format("{}", cover_all_)});
    return result;
  }

  Arrays forward(std::span<const Array> inputs) override {
    Array y = Array::empty(places_.shape(), inputs[0].dtype());
    pooling::find_largest(geometry_, inputs[0], y, places_);
    retain("places", std::exchange(places_, {}));
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Array places = retained("places");
    return {detail::linear_map(
        gys[0],
        pooling::AtPositions{
            "max_pooling_2d_grad", "max_pooling_2d_gather", true, geometry_,
            places.dtype() == DType::uint8 ? positions_of(geometry_, places.astype(DType::int32)) : places})};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const bool accumulate = into[0].accumulates();
    pooling::scatter(geometry_, retained("places"), gys[0], accumulate, into[0].buffer());
  }

 private:
  Geometry geometry_;
  bool cover_all_;
  Array places_;
};

}  // namespace

Variable max_pooling_2d(const Variable& x, const MaxPooling2DOptions& options, Array* indexes) {
  const Geometry geometry = pooling::check(kName, detail::array_or_undefined(x), options.kernel,
                                           options.stride, options.pad, options.cover_all);
  const Array places = Array::empty(pooling::output_shape(geometry), pooling::place_dtype(geometry));
  Variable y = apply<MaxPooling2D>({x}, geometry, options.cover_all, places);
  if (indexes != nullptr) {
    *indexes = geometry.are_squares() ? places.astype(DType::int32) : pooling::indexes_of(geometry, places);
  }
  return y;
}

}  // namespace fathom::ops

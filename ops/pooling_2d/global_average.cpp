// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/function.hpp>
#include <fathom/core/check.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/pooling_2d/passes.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops {

namespace {

constexpr std::string_view kName = "global_average_pooling_2d";

class GlobalAveragePooling2D final : public Function {
 public:
  std::string_view name() const override { return kName; }

  Arrays forward(std::span<const Array> inputs) override {
    shape_ = inputs[0].shape();
    Array y = Array::empty({shape_[0], shape_[1]}, inputs[0].dtype());
    pooling::plane_average(pixels(), inputs[0], y);
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    const Variable share =
        reshape(gys[0], {shape_[0], shape_[1], 1, 1}) * (1.0 / static_cast<double>(pixels()));
    return {broadcast_to(share, shape_)};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const bool accumulate = into[0].accumulates();
    pooling::plane_spread(pixels(), gys[0], accumulate, into[0].buffer());
  }

 private:
  [[nodiscard]] std::int64_t pixels() const { return shape_[2] * shape_[3]; }

  Shape shape_;
};

}  // namespace

Variable global_average_pooling_2d(const Variable& x) {
  ArgumentCheck(kName).argument("x", detail::array_or_undefined(x), "(n, c, h, w)").rank(4).floating();
  return apply<GlobalAveragePooling2D>({x});
}

}  // namespace fathom::ops

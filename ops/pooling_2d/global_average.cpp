// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include <fathom/autograd/function.hpp>
#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/lanes.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops {

namespace {

constexpr std::string_view kName = "global_average_pooling_2d";

template <class T>
double plane_sum(const T* pixels, std::int64_t count) {
  constexpr std::int64_t kBlock = 1024;
  double sum = 0;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    sum += fathom::detail::lane_sum<T>(std::min(kBlock, count - begin),
                                       [block = pixels + begin](std::int64_t i) { return block[i]; });
  }
  return sum;
}

class GlobalAveragePooling2D final : public Function {
 public:
  std::string_view name() const override { return kName; }

  Arrays forward(std::span<const Array> inputs) override {
    shape_ = inputs[0].shape();
    Array y = Array::empty({shape_[0], shape_[1]}, inputs[0].dtype());
    dispatch_float(y.dtype(), kName, [&]<class T>() {
      const T* in = inputs[0].data<T>();
      T* out = y.mutable_data<T>();
      for_each_plane([&](std::int64_t plane) {
        out[plane] =
            static_cast<T>(plane_sum(in + plane * pixels(), pixels()) / static_cast<double>(pixels()));
      });
    });
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
    Array& gx = into[0].buffer();
    dispatch_float(gx.dtype(), kName, [&]<class T>() {
      const T* in = gys[0].data<T>();
      T* out = gx.mutable_data<T>();
      const T share = static_cast<T>(1.0 / static_cast<double>(pixels()));
      for_each_plane([&](std::int64_t plane) {
        const T value = in[plane] * share;
        T* begin = out + plane * pixels();
        if (accumulate) {
          for (std::int64_t i = 0; i < pixels(); ++i) begin[i] += value;
        } else {
          std::fill_n(begin, pixels(), value);
        }
      });
    });
  }

 private:
  [[nodiscard]] std::int64_t pixels() const { return shape_[2] * shape_[3]; }

  template <class F>
  void for_each_plane(F f) const {
    const std::int64_t grain =
        std::max<std::int64_t>(1, fathom::detail::kElementGrain / std::max<std::int64_t>(1, pixels()));
    parallel_for(shape_[0] * shape_[1], grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t plane = begin; plane < end; ++plane) f(plane);
    });
  }

  Shape shape_;
};

}  // namespace

Variable global_average_pooling_2d(const Variable& x) {
  ArgumentCheck(kName).argument("x", detail::array_or_undefined(x), "(n, c, h, w)").rank(4).floating();
  return apply<GlobalAveragePooling2D>({x});
}

}  // namespace fathom::ops

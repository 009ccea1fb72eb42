// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/pooling_2d/geometry.hpp>

namespace fathom::ops {

namespace {

using pooling::Geometry;

constexpr std::string_view kName = "average_pooling_2d";

std::int64_t plane_grain(const Geometry& g) {
  return std::max<std::int64_t>(1, fathom::detail::kElementGrain / std::max<std::int64_t>(1, g.in_plane()));
}

double window_size(const Geometry& g) { return static_cast<double>(g.kernel.y * g.kernel.x); }

/// y = sum of each window / (kH*kW)
void average(const Geometry& g, const Array& x, bool accumulate, Array& y) {
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    parallel_for(g.planes(), plane_grain(g), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t plane = begin; plane < end; ++plane) {
        const T* pixels = in + plane * g.in_plane();
        std::int64_t o = plane * g.out_plane();
        for (std::int64_t row = 0; row < g.y[2]; ++row) {
          for (std::int64_t column = 0; column < g.y[3]; ++column, ++o) {
            const pooling::Window window = pooling::window(g, row, column);
            double sum = 0;
            for (std::int64_t h = window.top; h < window.bottom; ++h) {
              for (std::int64_t w = window.left; w < window.right; ++w) {
                sum += static_cast<double>(pixels[h * g.x[3] + w]);
              }
            }
            const T value = static_cast<T>(sum / window_size(g));
            out[o] = accumulate ? out[o] + value : value;
          }
        }
      }
    });
  });
}

/// gx: each gy / (kH*kW) added to all pixels of its window.
void spread(const Geometry& g, const Array& gy, bool accumulate, Array& gx) {
  dispatch_float(gy.dtype(), kName, [&]<class T>() {
    const T* in = gy.data<T>();
    T* out = gx.mutable_data<T>();
    const T share = static_cast<T>(1 / window_size(g));
    parallel_for(g.planes(), plane_grain(g), [&](std::int64_t begin, std::int64_t end) {
      if (!accumulate) std::fill(out + begin * g.in_plane(), out + end * g.in_plane(), T{0});
      for (std::int64_t plane = begin; plane < end; ++plane) {
        T* pixels = out + plane * g.in_plane();
        std::int64_t o = plane * g.out_plane();
        for (std::int64_t row = 0; row < g.y[2]; ++row) {
          for (std::int64_t column = 0; column < g.y[3]; ++column, ++o) {
            const pooling::Window window = pooling::window(g, row, column);
            const T value = in[o] * share;
            for (std::int64_t h = window.top; h < window.bottom; ++h) {
              for (std::int64_t w = window.left; w < window.right; ++w) pixels[h * g.x[3] + w] += value;
            }
          }
        }
      }
    });
  });
}

/// Averages, or (`backwards`) spreads a gradient over the windows: each is the other's derivative.
template <bool backwards>
class AveragePooling2D final : public Function {
 public:
  explicit AveragePooling2D(const Geometry& geometry) : geometry_(geometry) {}
  std::string_view name() const override { return backwards ? "average_pooling_2d_grad" : kName; }
  Attributes attributes() const override {
    return {{"kernel", to_string(geometry_.kernel)},
            {"stride", to_string(geometry_.stride)},
            {"pad", to_string(geometry_.pad)}};
  }

  Arrays forward(std::span<const Array> inputs) override {
    Array y = Array::empty(backwards ? geometry_.x : geometry_.y, inputs[0].dtype());
    backwards ? spread(geometry_, inputs[0], false, y) : average(geometry_, inputs[0], false, y);
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {apply<AveragePooling2D<!backwards>>({gys[0]}, geometry_)};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const bool accumulate = into[0].accumulates();
    Array& gx = into[0].buffer();
    backwards ? average(geometry_, gys[0], accumulate, gx) : spread(geometry_, gys[0], accumulate, gx);
  }

 private:
  Geometry geometry_;
};

}  // namespace

Variable average_pooling_2d(const Variable& x, const AveragePooling2DOptions& options) {
  const Geometry geometry = pooling::check(kName, detail::array_or_undefined(x), options.kernel,
                                           options.stride, options.pad, std::nullopt);
  return apply<AveragePooling2D<false>>({x}, geometry);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <limits>

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/ops/argument.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/pooling_2d/geometry.hpp>

namespace fathom::ops {

namespace {

using pooling::Geometry;

constexpr std::string_view kName = "max_pooling_2d";
/// Position of a window that lies outside the image altogether.
constexpr std::int32_t kNowhere = -1;

std::int64_t plane_grain(const Geometry& g) {
  return std::max<std::int64_t>(1, fathom::detail::kElementGrain / std::max<std::int64_t>(1, g.in_plane()));
}

/// The first of the largest pixels of a window that is not empty; the first NaN if there is one.
template <class T>
std::int64_t largest(const T* plane, std::int64_t width, const pooling::Window& window) {
  std::int64_t at = window.top * width + window.left;
  T best = plane[at];
  for (std::int64_t row = window.top; row < window.bottom; ++row) {
    for (std::int64_t i = row * width + window.left; i < row * width + window.right; ++i) {
      if (plane[i] > best || (plane[i] != plane[i] && best == best)) {
        best = plane[i];
        at = i;
      }
    }
  }
  return at;
}

/// For every output element where in its plane the largest pixel lies, int32 in the shape of y.
void find_largest(const Geometry& g, const Array& x, Array& y, Array& positions) {
  std::int32_t* position = positions.mutable_data<std::int32_t>();
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
            if (window.empty()) {
              position[o] = kNowhere;
              out[o] = -std::numeric_limits<T>::infinity();
              continue;
            }
            const std::int64_t at = largest(pixels, g.x[3], window);
            position[o] = static_cast<std::int32_t>(at);
            out[o] = pixels[at];
          }
        }
      }
    });
  });
}

/// gx: gy added up at the positions.
void scatter(const Geometry& g, const Array& positions, const Array& gy, bool accumulate, Array& gx) {
  const std::int32_t* position = positions.data<std::int32_t>();
  dispatch_float(gy.dtype(), kName, [&]<class T>() {
    const T* in = gy.data<T>();
    T* out = gx.mutable_data<T>();
    parallel_for(g.planes(), plane_grain(g), [&](std::int64_t begin, std::int64_t end) {
      if (!accumulate) std::fill(out + begin * g.in_plane(), out + end * g.in_plane(), T{0});
      for (std::int64_t plane = begin; plane < end; ++plane) {
        T* pixels = out + plane * g.in_plane();
        for (std::int64_t o = plane * g.out_plane(); o < (plane + 1) * g.out_plane(); ++o) {
          if (position[o] != kNowhere) pixels[position[o]] += in[o];
        }
      }
    });
  });
}

/// The elements of x at the positions; 0 for a window outside.
Array gather(const Geometry& g, const Array& positions, const Array& x) {
  Array y = Array::empty(g.y, x.dtype());
  const std::int32_t* position = positions.data<std::int32_t>();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    parallel_for(g.planes(), plane_grain(g), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t plane = begin; plane < end; ++plane) {
        const T* pixels = in + plane * g.in_plane();
        for (std::int64_t o = plane * g.out_plane(); o < (plane + 1) * g.out_plane(); ++o) {
          out[o] = position[o] == kNowhere ? T{0} : pixels[position[o]];
        }
      }
    });
  });
  return y;
}

/// Takes the pixels at the positions (`gathers`), or puts a gradient back to them: each is the other's
/// derivative.
template <bool gathers>
class MaxPooling2DMove final : public Function {
 public:
  MaxPooling2DMove(const Geometry& geometry, Array positions)
      : geometry_(geometry), positions_(std::move(positions)) {}
  std::string_view name() const override { return gathers ? "max_pooling_2d_gather" : "max_pooling_2d_grad"; }

  Arrays forward(std::span<const Array> inputs) override {
    if constexpr (gathers) return {gather(geometry_, positions_, inputs[0])};
    Array gx = Array::empty(geometry_.x, inputs[0].dtype());
    scatter(geometry_, positions_, inputs[0], false, gx);
    return {std::move(gx)};
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
    return {{"kernel", to_string(geometry_.kernel)},
            {"stride", to_string(geometry_.stride)},
            {"pad", to_string(geometry_.pad)},
            {"cover_all", fmt::format("{}", cover_all_)}};
  }

  Arrays forward(std::span<const Array> inputs) override {
    positions_ = Array::empty(geometry_.y, DType::int32);
    Array y = Array::empty(geometry_.y, inputs[0].dtype());
    find_largest(geometry_, inputs[0], y, positions_);
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {apply<MaxPooling2DMove<false>>({gys[0]}, geometry_, positions_)};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const bool accumulate = into[0].accumulates();
    scatter(geometry_, positions_, gys[0], accumulate, into[0].buffer());
  }

 private:
  Geometry geometry_;
  bool cover_all_;
  Array positions_;
};

}  // namespace

Variable max_pooling_2d(const Variable& x, const MaxPooling2DOptions& options) {
  const Geometry geometry = pooling::check(kName, detail::array_or_undefined(x), options.kernel,
                                           options.stride, options.pad, options.cover_all);
  return apply<MaxPooling2D>({x}, geometry, options.cover_all);
}

}  // namespace fathom::ops

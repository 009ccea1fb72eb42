// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <limits>

#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/ops/checks/argument.hpp>
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

/// Lets pixels at, at + stride, ... of a plane compete for `count` windows side by side. Without branches,
/// since which pixel is largest cannot be predicted. The first NaN wins over everything.
template <std::int32_t kStride, class T>
void compete(const T* pixels, std::int32_t at, std::int32_t stride, std::int32_t count, T* best,
             std::int32_t* position) {
  const std::int32_t step = kStride > 0 ? kStride : stride;
  const T* source = pixels + at;
  for (std::int32_t j = 0; j < count; ++j) {
    const T value = source[j * step];
    const T before = best[j];
    const std::int32_t held = position[j];
    const bool wins = (value > before) | (held == kNowhere) | ((value != value) & (before == before));
    best[j] = wins ? value : before;
    position[j] = wins ? at + j * step : held;
  }
}

/// The same for all windows of an output row: each brings its pixel in `column`, in row `row` of the image.
template <class T>
void compete_in_row(const Geometry& g, const T* pixels, std::int64_t row, std::int64_t column, T* best,
                    std::int32_t* position) {
  const auto [begin, end] = pooling::inside(g, column);
  if (begin >= end) return;
  const auto stride = static_cast<std::int32_t>(g.stride.x);
  const auto at = static_cast<std::int32_t>(row * g.x[3] + begin * stride + column - g.pad.x);
  const auto count = static_cast<std::int32_t>(end - begin);
  const auto run = stride == 1 ? compete<1, T> : stride == 2 ? compete<2, T> : compete<0, T>;
  run(pixels, at, stride, count, best + begin, position + begin);
}

/// For every output element where in its plane the largest pixel lies, int32 in the shape of y.
void find_largest(const Geometry& g, const Array& x, Array& y, Array& positions) {
  std::int32_t* position = positions.mutable_data<std::int32_t>();
  dispatch_float(x.dtype(), kName, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    parallel_for(g.planes(), plane_grain(g), [&](std::int64_t begin, std::int64_t end) {
      std::fill(position + begin * g.out_plane(), position + end * g.out_plane(), kNowhere);
      std::fill(out + begin * g.out_plane(), out + end * g.out_plane(), -std::numeric_limits<T>::infinity());
      for (std::int64_t line = begin * g.y[2]; line < end * g.y[2]; ++line) {
        const std::int64_t top = line % g.y[2] * g.stride.y - g.pad.y;
        const T* pixels = in + line / g.y[2] * g.in_plane();
        for (std::int64_t row = std::max<std::int64_t>(0, top); row < std::min(g.x[2], top + g.kernel.y);
             ++row) {
          for (std::int64_t column = 0; column < g.kernel.x; ++column) {
            compete_in_row(g, pixels, row, column, out + line * g.y[3], position + line * g.y[3]);
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
    Array positions = Array::empty(geometry_.y, DType::int32);
    Array y = Array::empty(geometry_.y, inputs[0].dtype());
    find_largest(geometry_, inputs[0], y, positions);
    retain("positions", std::move(positions));
    return {std::move(y)};
  }

  Variables backward(const Wanted&, std::span<const Variable> gys) override {
    return {apply<MaxPooling2DMove<false>>({gys[0]}, geometry_, retained("positions"))};
  }

  bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted&, std::span<const Array> gys, std::span<GradientSink> into) override {
    const bool accumulate = into[0].accumulates();
    scatter(geometry_, retained("positions"), gys[0], accumulate, into[0].buffer());
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

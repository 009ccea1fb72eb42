// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: which planes make which in y(x, W, b) and gx(gy, W).
#pragma once

#include <cstdint>

#include <fathom/ops/depthwise_convolution_2d/geometry.hpp>

namespace fathom::ops::depthwise {
namespace {

/// An output plane is the sum over `sources` image planes; an image plane goes into `repeats` output planes.
/// One of both numbers is 1, the other the multiplier. In gx, gy is the image and gx the output.
struct PlaneSizes {
  std::int64_t channels, repeats, sources;
  std::int64_t height, width;  ///< of the image
  std::int64_t out_height, out_width;
  std::int64_t kernel_plane;
  std::int64_t tap_step;  ///< 1, or -1: the taps from the last to the first

  [[nodiscard]] static PlaneSizes forward(const Geometry& g) {
    return {g.channels, g.multiplier, 1, g.height, g.width, g.out_height, g.out_width, g.kernel_plane(), 1};
  }
  [[nodiscard]] static PlaneSizes grad_x(const Geometry& g) {
    return {g.channels, 1, g.multiplier, g.out_height, g.out_width, g.height, g.width, g.kernel_plane(), -1};
  }
};

/// One output plane and where its sources begin: image plane i is x + i * plane, its taps are
/// taps + i * channels * kernel_plane.
template <class T>
struct Plane {
  const T* x;
  const T* taps;
  T bias;
  T* y;
};

/// Walks along the output planes. Counts instead of dividing, which would take as long as a small plane.
template <class T>
class Planes {
 public:
  Planes(const PlaneSizes& s, const T* x, const T* W, const T* b, T* y, std::int64_t begin)
      : x_(x + begin / s.repeats * s.sources * s.height * s.width),
        y_(y + begin * s.out_height * s.out_width),
        first_tap_(W + (s.tap_step < 0 ? s.kernel_plane - 1 : 0)),
        b_(b),
        channel_(begin / s.repeats % s.channels),
        repeat_(begin % s.repeats) {}

  [[nodiscard]] [[gnu::always_inline]] Plane<T> plane(const PlaneSizes& s) const {
    return {x_, first_tap_ + (repeat_ * s.channels + channel_) * s.kernel_plane,
            b_ == nullptr ? T(0) : b_[channel_ * s.repeats + repeat_], y_};
  }

  [[gnu::always_inline]] void advance(const PlaneSizes& s) {
    y_ += s.out_height * s.out_width;
    if (++repeat_ < s.repeats) return;
    repeat_ = 0;
    x_ += s.sources * s.height * s.width;
    if (++channel_ == s.channels) channel_ = 0;
  }

 private:
  const T* x_;
  T* y_;
  const T* first_tap_;
  const T* b_;
  std::int64_t channel_, repeat_;
};

}  // namespace
}  // namespace fathom::ops::depthwise

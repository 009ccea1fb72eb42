// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/function.hpp>
#include <fathom/ops/pooling_2d/geometry.hpp>

namespace fathom::ops::pooling {

[[nodiscard]] inline Shape image_shape(const Geometry& g) {
  return {g.images, g.channels, g.height, g.width};
}
[[nodiscard]] inline Shape output_shape(const Geometry& g) {
  return {g.images, g.channels, g.out_height, g.out_width};
}
[[nodiscard]] Attributes attributes(const Geometry& geometry);

// The kernels on Arrays that fit the geometry: the planes are shared out among threads.

/// What `find_largest` notes of each window: int32, where in its plane the largest pixel lies, or, where all
/// are squares, uint8, which of its window's pixels it is.
[[nodiscard]] inline DType place_dtype(const Geometry& g) {
  return g.are_squares() ? DType::uint8 : DType::int32;
}
void find_largest(const Geometry& geometry, const Array& x, Array& y, Array& places);
void scatter(const Geometry& geometry, const Array& places, const Array& gy, bool accumulate, Array& gx);
void gather(const Geometry& geometry, const Array& positions, const Array& x, Array& y);
void average(const Geometry& geometry, const Array& x, bool accumulate, Array& y);
void spread(const Geometry& geometry, const Array& gy, bool accumulate, Array& gx);
/// Over whole planes of `pixels` elements.
void plane_average(std::int64_t pixels, const Array& x, Array& y);
void plane_spread(std::int64_t pixels, const Array& gy, bool accumulate, Array& gx);

}  // namespace fathom::ops::pooling

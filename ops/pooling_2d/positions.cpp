// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/pooling_2d/positions.hpp>

#include <fathom/core/threads.hpp>
#include <fathom/ops/pooling_2d/kernel.hpp>

namespace fathom::ops::pooling {
namespace {

/// An int32 array of translate(number, top, left) for each number of a window that begins there.
template <class Translate>
Array for_each_window(const Geometry& g, const Array& numbers, Translate translate) {
  constexpr std::int64_t kGrain = 1 << 12;
  Array result = Array::empty(output_shape(g), DType::int32);
  dispatch_index(numbers.dtype(), "pooling_2d", [&]<class I>() {
    const I* in = numbers.data<I>();
    auto* out = result.mutable_data<std::int32_t>();
    parallel_for(result.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; ++o) {
        const std::int64_t top = o / g.out_width % g.out_height * g.stride_y - g.pad_y;
        const std::int64_t left = o % g.out_width * g.stride_x - g.pad_x;
        out[o] = static_cast<std::int32_t>(translate(in[o], top, left));
      }
    });
  });
  return result;
}

}  // namespace

Array AtPositions::value(const Array& x) const {
  Array y = Array::empty(scatters ? image_shape(geometry) : output_shape(geometry), x.dtype());
  scatters ? scatter(geometry, mask, x, false, y) : gather(geometry, mask, x, y);
  return y;
}

Array indexes_of(const Geometry& g, const Array& positions) {
  return for_each_window(g, positions, [&](std::int64_t at, std::int64_t top, std::int64_t left) {
    return at == kNowhere ? 0 : (at / g.width - top) * g.kernel_x + at % g.width - left;
  });
}

Array positions_of(const Geometry& g, const Array& indexes) {
  return for_each_window(g, indexes, [&](std::int64_t index, std::int64_t top, std::int64_t left) {
    const std::int64_t y = top + index / g.kernel_x;
    const std::int64_t x = left + index % g.kernel_x;
    const bool is_inside = y >= 0 && y < g.height && x >= 0 && x < g.width;
    return is_inside ? y * g.width + x : kNowhere;
  });
}

}  // namespace fathom::ops::pooling

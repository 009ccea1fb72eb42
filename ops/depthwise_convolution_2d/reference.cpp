// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/depthwise_convolution_2d/reference.hpp>

#include <vector>

#include <fathom/core/dtype.hpp>

namespace fathom::ops::depthwise::reference {
namespace {

/// Calls `visit(x, w, y)` with the three element numbers of every product x * W that y is a sum of.
/// <gy, y(x, W)> is linear in each of its three arguments, so this one walk defines the map and both
/// adjoints.
template <class Visit>
void for_each_product(const Geometry& g, Visit visit) {
  for (std::int64_t n = 0; n < g.images; ++n)
    for (std::int64_t c = 0; c < g.channels; ++c)
      for (std::int64_t m = 0; m < g.multiplier; ++m)
        for (std::int64_t i = 0; i < g.out_height; ++i)
          for (std::int64_t j = 0; j < g.out_width; ++j)
            for (std::int64_t p = 0; p < g.kernel_y; ++p)
              for (std::int64_t q = 0; q < g.kernel_x; ++q) {
                const std::int64_t row = i * g.stride_y + p * g.dilation_y - g.pad_y;
                const std::int64_t column = j * g.stride_x + q * g.dilation_x - g.pad_x;
                if (row < 0 || row >= g.height || column < 0 || column >= g.width) continue;
                visit(((n * g.channels + c) * g.height + row) * g.width + column,
                      ((m * g.channels + c) * g.kernel_y + p) * g.kernel_x + q,
                      ((n * g.out_channels() + c * g.multiplier + m) * g.out_height + i) * g.out_width + j);
              }
}

template <class T>
Array rounded(const std::vector<double>& sums, const Shape& shape) {
  Array result = Array::empty(shape, dtype_of<T>);
  T* to = result.mutable_data<T>();
  for (double value : sums) *to++ = static_cast<T>(value);
  return result;
}

/// What `accumulate(sums, a, b)` leaves in `sums`, as an array of a's type.
template <class Accumulate>
Array summed(const Array& a, const Array& b, const Shape& shape, Accumulate accumulate) {
  return dispatch_float(a.dtype(), "depthwise_convolution_2d", [&]<class T>() {
    std::vector<double> sums(static_cast<std::size_t>(shape.size()));
    accumulate(sums.data(), a.data<T>(), b.data<T>());
    return rounded<T>(sums, shape);
  });
}

}  // namespace

Array forward(const Geometry& g, const Array& x, const Array& W, const Array& b) {
  const Shape shape{g.images, g.out_channels(), g.out_height, g.out_width};
  return summed(x, W, shape, [&]<class T>(double* y, const T* px, const T* pw) {
    if (b.defined()) {
      for (std::int64_t i = 0; i < shape.size(); ++i)
        y[i] = b.data<T>()[i / g.out_plane() % g.out_channels()];
    }
    for_each_product(g, [=](auto ix, auto iw, auto iy) { y[iy] += double{px[ix]} * pw[iw]; });
  });
}

Array grad_x(const Geometry& g, const Array& gy, const Array& W) {
  const Shape shape{g.images, g.channels, g.height, g.width};
  return summed(gy, W, shape, [&]<class T>(double* gx, const T* pgy, const T* pw) {
    for_each_product(g, [=](auto ix, auto iw, auto iy) { gx[ix] += double{pgy[iy]} * pw[iw]; });
  });
}

Array grad_w(const Geometry& g, const Array& x, const Array& gy) {
  const Shape shape{g.multiplier, g.channels, g.kernel_y, g.kernel_x};
  return summed(x, gy, shape, [&]<class T>(double* gW, const T* px, const T* pgy) {
    for_each_product(g, [=](auto ix, auto iw, auto iy) { gW[iw] += double{px[ix]} * pgy[iy]; });
  });
}

}  // namespace fathom::ops::depthwise::reference

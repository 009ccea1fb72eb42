// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/pooling_2d/kernel.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <fathom/core/random.hpp>
#include <support/guarded_memory.hpp>

using namespace fathom;
namespace pooling = ops::pooling;
using pooling::Geometry;

namespace {

template <class T>
const pooling::Kernels<T>& kernels_of(Isa isa) {
  const pooling::KernelTable& table = detail::dispatch_isa(
      isa, []<Isa set>() -> const pooling::KernelTable& { return pooling::kernels<set>(); });
  if constexpr (std::is_same_v<T, float>) {
    return table.float32;
  } else {
    return table.float64;
  }
}

Geometry geometry_of(std::int64_t height, std::int64_t width, std::int64_t kernel, std::int64_t stride,
                     std::int64_t pad) {
  const auto count = [&](std::int64_t size) {
    return std::max<std::int64_t>(0, size + 2 * pad - kernel) / stride + 1;
  };
  return {1, 2, height, width, count(height), count(width), kernel, kernel, stride, stride, pad, pad};
}

/// Numbers with many ties, and a NaN here and there.
Array pixels_of(const Geometry& g) {
  Array x = uniform({8, 0}, {g.planes(), g.height, g.width}, -3, 4, DType::float32).astype(DType::float64);
  double* values = x.mutable_data<double>();
  for (std::int64_t i = 0; i < x.size(); ++i)
    values[i] = i % 23 == 19 ? std::numeric_limits<double>::quiet_NaN() : std::floor(values[i]);
  return x;
}

/// Where the largest pixel of a window lies: the first of equals, the first NaN before all others.
std::int32_t position_of(const Geometry& g, const double* plane, std::int64_t row, std::int64_t column) {
  std::int32_t best = pooling::kNowhere;
  for (std::int64_t k = 0; k < g.window(); ++k) {
    const std::int64_t h = row * g.stride_y - g.pad_y + k / g.kernel_x;
    const std::int64_t w = column * g.stride_x - g.pad_x + k % g.kernel_x;
    if (h < 0 || h >= g.height || w < 0 || w >= g.width) continue;
    const auto at = static_cast<std::int32_t>(h * g.width + w);
    if (best == pooling::kNowhere || (!std::isnan(plane[best]) && !(plane[at] <= plane[best]))) best = at;
  }
  return best;
}

template <class T>
bool finds_largest(Isa isa, const Geometry& g, test::Side side) {
  const Array pixels = pixels_of(g);
  test::Guarded<T> x(pixels, side), y(g.planes() * g.out_plane(), T(9), side);
  test::Guarded<std::int32_t> positions(g.planes() * g.out_plane(), -7, side);
  for (std::int64_t plane = 0; plane < g.planes();
       ++plane) {  // one at a time: none may write in the next one's place
    kernels_of<T>(isa).largest(g, x.data(), y.data(), positions.data(), plane, plane + 1);
  }
  bool right = y.slack_untouched() && positions.slack_untouched();
  for (std::int64_t i = 0; i < g.planes() * g.out_plane(); ++i) {
    const double* plane = pixels.data<double>() + i / g.out_plane() * g.in_plane();
    const std::int64_t out = i % g.out_plane();
    const std::int32_t wanted = position_of(g, plane, out / g.out_width, out % g.out_width);
    const double value =
        wanted == pooling::kNowhere ? -std::numeric_limits<double>::infinity() : plane[wanted];
    const auto got = static_cast<double>(y.data()[i]);
    right &= positions.data()[i] == wanted && (got == value || (std::isnan(got) && std::isnan(value)));
  }
  return right;
}

}  // namespace

TEMPLATE_TEST_CASE("max pooling's kernels of every instruction set find the first of the largest pixels",
                   "[pooling_2d]", float, double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  const std::int64_t kernel = GENERATE(2, 3, 4);
  const std::int64_t stride = GENERATE(1, 2, 3);
  const std::int64_t pad = GENERATE(0, 1);
  for (std::int64_t width = kernel; width <= 75; width += width < 40 ? 1 : 5) {
    CAPTURE(to_string(isa), kernel, stride, pad, width);
    CHECK(finds_largest<TestType>(isa, geometry_of(5, width, kernel, stride, pad), side));
  }
}

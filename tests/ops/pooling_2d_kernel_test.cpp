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
#include <support/tolerance.hpp>

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

/// Numbers with many ties and, every so many pixels, one that is NaN or infinite.
Array pixels_of(const Geometry& g, std::int64_t distance) {
  Array x = uniform({8, 0}, {g.planes(), g.height, g.width}, -3, 4, DType::float32).astype(DType::float64);
  double* values = x.mutable_data<double>();
  constexpr double kSpecial[] = {std::numeric_limits<double>::quiet_NaN(),
                                 -std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::infinity()};
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const bool is_special = i % distance == distance - 4;
    values[i] = is_special ? kSpecial[i / distance % 3] : std::floor(values[i]);
  }
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
bool finds_largest(Isa isa, const Geometry& g, std::int64_t distance, test::Side side) {
  const Array pixels = pixels_of(g, distance);
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

/// 2*ky + kx of each window's largest pixel, and what stands in the windows put back there, also on top of
/// what is there.
template <class T>
bool finds_and_fills_squares(Isa isa, const Geometry& g, std::int64_t distance, test::Side side) {
  const std::int64_t windows = g.planes() * g.out_plane();
  const Array pixels = pixels_of(g, distance), values = uniform({8, 2}, {windows}, -1, 1, DType::float64);
  test::Guarded<T> x(pixels, side), y(windows, T(9), side), gy(values, side);
  test::Guarded<T> gx(g.planes() * g.in_plane(), T(9), side);
  test::Guarded<std::uint8_t> indexes(windows, 9, side);
  const pooling::Kernels<T>& kernels = kernels_of<T>(isa);
  for (std::int64_t plane = 0; plane < g.planes(); ++plane) {
    kernels.largest_of_squares(g, x.data(), y.data(), indexes.data(), plane, plane + 1);
    kernels.scatter_to_squares(g, indexes.data(), gy.data(), false, gx.data(), plane, plane + 1);
    kernels.scatter_to_squares(g, indexes.data(), gy.data(), true, gx.data(), plane, plane + 1);
  }
  bool right = y.slack_untouched() && indexes.slack_untouched() && gx.slack_untouched();
  std::vector<T> wanted(static_cast<std::size_t>(g.planes() * g.in_plane()), T(0));
  for (std::int64_t i = 0; i < windows; ++i) {
    const std::int64_t first = i / g.out_plane() * g.in_plane(), out = i % g.out_plane();
    const double* plane = pixels.data<double>() + first;
    const std::int64_t row = out / g.out_width, column = out % g.out_width;
    const std::int32_t at = position_of(g, plane, row, column);
    const auto got = static_cast<double>(y.data()[i]);
    right &= indexes.data()[i] == (at / g.width - 2 * row) * 2 + at % g.width - 2 * column &&
             (got == plane[at] || (std::isnan(got) && std::isnan(plane[at])));
    wanted[static_cast<std::size_t>(first + at)] = 2 * gy.data()[i];
  }
  return right && std::equal(wanted.begin(), wanted.end(), gx.data());
}

/// The mean of a window whose pixels outside the image count as 0.
double average_of(const Geometry& g, const double* plane, std::int64_t row, std::int64_t column) {
  double sum = 0;
  for (std::int64_t k = 0; k < g.window(); ++k) {
    const std::int64_t h = row * g.stride_y - g.pad_y + k / g.kernel_x;
    const std::int64_t w = column * g.stride_x - g.pad_x + k % g.kernel_x;
    if (h >= 0 && h < g.height && w >= 0 && w < g.width) sum += plane[h * g.width + w];
  }
  return sum / static_cast<double>(g.window());
}

/// Averages, and on top of them once more.
template <class T>
bool averages(Isa isa, const Geometry& g, test::Side side) {
  const Array pixels = pixels_of(g, 1 << 20);
  test::Guarded<T> x(pixels, side), y(g.planes() * g.out_plane(), T(9), side);
  bool right = true;
  for (const bool accumulate : {false, true}) {
    for (std::int64_t plane = 0; plane < g.planes(); ++plane)
      kernels_of<T>(isa).average(g, x.data(), accumulate, y.data(), plane, plane + 1);
    for (std::int64_t i = 0; i < g.planes() * g.out_plane(); ++i) {
      const std::int64_t out = i % g.out_plane();
      const double wanted = average_of(g, pixels.data<double>() + i / g.out_plane() * g.in_plane(),
                                       out / g.out_width, out % g.out_width);
      const double difference = static_cast<double>(y.data()[i]) - (accumulate ? 2 : 1) * wanted;
      right &= std::abs(difference) <= 4 * test::sum_tolerance(dtype_of<T>, g.window());
    }
  }
  return right && y.slack_untouched();
}

/// What the windows' values leave in the image, and the same on top of it.
template <class T>
bool spreads(Isa isa, const Geometry& g, test::Side side) {
  const Array values =
      uniform({8, 1}, {g.planes(), g.out_plane()}, -1, 1, DType::float32).astype(DType::float64);
  test::Guarded<T> gy(values, side), gx(g.planes() * g.in_plane(), T(9), side);
  std::vector<double> wanted(static_cast<std::size_t>(g.planes() * g.in_plane()), 0.0);
  for (std::int64_t i = 0; i < values.size() * g.window(); ++i) {
    const std::int64_t window = i / g.window(), k = i % g.window(), out = window % g.out_plane();
    const std::int64_t h = out / g.out_width * g.stride_y - g.pad_y + k / g.kernel_x;
    const std::int64_t w = out % g.out_width * g.stride_x - g.pad_x + k % g.kernel_x;
    if (h < 0 || h >= g.height || w < 0 || w >= g.width) continue;
    wanted[static_cast<std::size_t>(window / g.out_plane() * g.in_plane() + h * g.width + w)] +=
        values.data<double>()[window] / static_cast<double>(g.window());
  }
  bool right = true;
  for (const bool accumulate : {false, true}) {
    for (std::int64_t plane = 0; plane < g.planes(); ++plane)
      kernels_of<T>(isa).spread(g, gy.data(), accumulate, gx.data(), plane, plane + 1);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const double difference = static_cast<double>(gx.data()[i]) - (accumulate ? 2 : 1) * wanted[i];
      right &= std::abs(difference) <= 4 * test::sum_tolerance(dtype_of<T>, 2 * g.window());
    }
  }
  return right && gx.slack_untouched();
}

}  // namespace

TEMPLATE_TEST_CASE("max pooling's kernels of every instruction set find the first of the largest pixels",
                   "[pooling_2d]", float, double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  const std::int64_t kernel = GENERATE(2, 3, 4);
  const std::int64_t stride = GENERATE(1, 2, 3);
  const std::int64_t pad = GENERATE(0, 1);
  const std::int64_t distance = GENERATE(23, 1 << 20);
  for (std::int64_t width = kernel; width <= 75; width += width < 40 ? 1 : 5) {
    CAPTURE(to_string(isa), kernel, stride, pad, width, distance);
    CHECK(finds_largest<TestType>(isa, geometry_of(5, width, kernel, stride, pad), distance, side));
  }
}

TEMPLATE_TEST_CASE("max pooling's kernels of every instruction set know squares", "[pooling_2d]", float,
                   double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  const std::int64_t height = GENERATE(2, 5, 6);
  const std::int64_t distance = GENERATE(23, 1 << 20);
  for (std::int64_t width = 4; width <= 75; ++width) {
    CAPTURE(to_string(isa), height, width, distance);
    const Geometry g = geometry_of(height, width, 2, 2, 0);
    REQUIRE(g.are_squares());
    CHECK(finds_and_fills_squares<TestType>(isa, g, distance, side));
  }
}

TEMPLATE_TEST_CASE("average pooling's kernels of every instruction set agree with the definition",
                   "[pooling_2d]", float, double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  const std::int64_t kernel = GENERATE(2, 3, 5, 9);
  const std::int64_t stride = GENERATE(1, 2, 3);
  const std::int64_t pad = GENERATE(0, 1);
  for (std::int64_t width = kernel; width <= 75; width += width < 40 ? 1 : 5) {
    CAPTURE(to_string(isa), kernel, stride, pad, width);
    CHECK(averages<TestType>(isa, geometry_of(9, width, kernel, stride, pad), side));
    CHECK(spreads<TestType>(isa, geometry_of(9, width, kernel, stride, pad), side));
  }
}

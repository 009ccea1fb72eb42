// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/resize_images.hpp>

#include <support/tolerance.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>

using namespace fathom;
using Catch::Matchers::Message;
using ops::Interpolation;

namespace {

Array row(std::initializer_list<double> values) {
  return Array::from(values, {1, 1, 1, static_cast<std::int64_t>(values.size())});
}

/// Row v of a plane of `size` pixels that output pixel i shows, after the doc comment.
double place(std::int64_t i, std::int64_t size, std::int64_t outputs,
             const ops::ResizeImagesOptions& options) {
  const auto at = static_cast<double>(i), from = static_cast<double>(size), to = static_cast<double>(outputs);
  if (options.mode == Interpolation::nearest) return std::floor(at * from / to);
  if (options.align_corners) return outputs == 1 ? 0 : at * (from - 1) / (to - 1);
  return std::max(0.0, (at + 0.5) * from / to - 0.5);
}

/// x at a place between pixels.
double between(const double* x, Pair2 plane, double v, double u) {
  double sum = 0;
  for (std::int64_t r = 0; r < plane.y; ++r) {
    for (std::int64_t c = 0; c < plane.x; ++c) {
      const double near_y =
          std::max(0.0, 1 - std::abs(std::min(v, static_cast<double>(plane.y - 1)) - static_cast<double>(r)));
      const double near_x =
          std::max(0.0, 1 - std::abs(std::min(u, static_cast<double>(plane.x - 1)) - static_cast<double>(c)));
      sum += x[r * plane.x + c] * near_y * near_x;
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("resize_images by hand", "[resize_images]") {
  struct Case {
    Array x;
    std::int64_t size;
    ops::ResizeImagesOptions options;
    Array y;
  };
  const ops::ResizeImagesOptions corners{}, centers{.align_corners = false},
      nearest{.mode = Interpolation::nearest};
  const Case c = GENERATE_COPY(
      Case{row({1, 3}), 5, corners, row({1, 1.5, 2, 2.5, 3})},
      Case{row({1, 3}), 4, centers, row({1, 1.5, 2.5, 3})}, Case{row({1, 3}), 4, nearest, row({1, 1, 3, 3})},
      Case{row({1, 3, 7, 9}), 2, corners, row({1, 9})}, Case{row({1, 3, 7, 9}), 2, centers, row({2, 8})},
      Case{row({1, 3, 7, 9}), 2, nearest, row({1, 7})}, Case{row({1, 3, 7}), 1, corners, row({1})},
      Case{row({1, 3, 7}), 1, centers, row({3})}, Case{row({5}), 3, centers, row({5, 5, 5})},
      Case{row({5}), 3, corners, row({5, 5, 5})});
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const Variable y = ops::resize_images(Variable(c.x.astype(dtype)), {1, c.size}, c.options);
  CHECK(identical(y.data(), c.y.astype(dtype)));
}

TEST_CASE("resize_images agrees with the definition, and its gradient is the adjoint", "[resize_images]") {
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const ops::ResizeImagesOptions options =
      GENERATE(ops::ResizeImagesOptions{}, ops::ResizeImagesOptions{.align_corners = false},
               ops::ResizeImagesOptions{.mode = Interpolation::nearest},
               ops::ResizeImagesOptions{.mode = Interpolation::nearest, .align_corners = false});
  const Pair2 plane{5, 70};
  const Variable x(uniform({7, 0}, {2, 3, plane.y, plane.x}, -1, 1, dtype), true);
  const Array doubles = x.data().astype(DType::float64);
  for (const Pair2 size : {Pair2{5, 70}, Pair2{9, 133}, Pair2{2, 71}, Pair2{11, 3}}) {
    INFO(ops::to_string(options.mode)
         << " " << options.align_corners << " " << to_string(size) << " " << dtype);
    const Variable y = ops::resize_images(x, size, options);
    REQUIRE(y.shape() == Shape{2, 3, size.y, size.x});
    Array wanted = Array::empty(y.shape(), DType::float64);
    double* at = wanted.mutable_data<double>();
    for (std::int64_t n = 0; n < 6; ++n) {
      for (std::int64_t i = 0; i < size.y; ++i) {
        for (std::int64_t j = 0; j < size.x; ++j) {
          *at++ = between(doubles.data<double>() + n * plane.y * plane.x, plane,
                          place(i, plane.y, size.y, options), place(j, plane.x, size.x, options));
        }
      }
    }
    // The definition rounds places up to 70.
    const double tolerance = test::sum_tolerance(dtype, 16) + 70 * test::sum_tolerance(DType::float64, 16);
    CHECK(allclose(y.data().astype(DType::float64), wanted, 0, tolerance));
    // <gy, resized x> = <gx, x>, in double.
    const Variable gy(uniform({7, 1}, y.shape(), -1, 1, dtype));
    const Variable gx = grad({y}, {x}, {gy})[0];
    REQUIRE(gx.shape() == x.shape());
    const auto dot = [](const Array& a, const Array& b) {
      const Array p = a.astype(DType::float64), q = b.astype(DType::float64);
      double sum = 0;
      for (std::int64_t i = 0; i < p.size(); ++i) sum += p.data<double>()[i] * q.data<double>()[i];
      return sum;
    };
    const double scale = static_cast<double>(std::max(x.size(), y.size()));
    CHECK(std::abs(dot(gy.data(), y.data()) - dot(gx.data(), x.data())) <= tolerance * scale);
  }
}

TEST_CASE("a pixel without weight does not spoil its neighbours", "[resize_images]") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(identical(ops::resize_images(Variable(row({1, inf, 3})), {1, 3}).data(), row({1, inf, 3})));
  CHECK(identical(ops::resize_images(Variable(row({1, inf, 3})), {1, 2}).data(), row({1, 3})));
}

TEST_CASE("resize_images says what it refuses", "[resize_images][errors]") {
  const Variable x(Array::ones({1, 2, 3, 4}, DType::float32));
  CHECK_THROWS_MATCHES(ops::resize_images(x, {0, 2}), ValueError,
                       Message("resize_images: size must be at least 1 (it is [0, 2])\n"
                               "  x: float32 [1, 2, 3, 4]  (n, c, h, w)\n"
                               "  hint: it is that of the result, (hO, wO)"));
  CHECK_THROWS_MATCHES(ops::resize_images(Variable(Array::ones({1, 2, 3, 0}, DType::float32)), 2), ShapeError,
                       Message("resize_images: x must have at least one pixel (it has [3, 0])\n"
                               "  x: float32 [1, 2, 3, 0]  (n, c, h, w)\n"
                               "  hint: only the first two axes of x may be empty; look where x is made"));
}

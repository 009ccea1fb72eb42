// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/depth2space.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>

using namespace fathom;
using Catch::Matchers::Message;

TEST_CASE("depth2space takes channels for pixels in either order", "[depth2space]") {
  const auto order = GENERATE(ops::DepthOrder::pixels_first, ops::DepthOrder::channels_first);
  const std::int64_t n = 2, r = 3, c = 2, h = 2, w = 1;
  const Variable x{Array::arange(n * r * r * c * h * w, DType::float64).reshape({n, r * r * c, h, w}), true};
  const Variable y = ops::depth2space(x, r, {.order = order});
  REQUIRE(y.shape() == Shape{n, c, h * r, w * r});
  const double* values = y.data().data<double>();
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const std::int64_t column = i % (w * r), row = i / (w * r) % (h * r), k = i / (w * r * h * r) % c,
                       sample = i / (w * r * h * r * c);
    const std::int64_t pixel = row % r * r + column % r;
    const std::int64_t deep = order == ops::DepthOrder::pixels_first ? pixel * c + k : k * r * r + pixel;
    CHECK(values[i] == static_cast<double>(((sample * r * r * c + deep) * h + row / r) * w + column / r));
  }
  CHECK(identical(grad({y}, {x}, {y.detach()})[0].data(), x.data()));
  CHECK(identical(ops::space2depth(y, r, {.order = order}).data(), x.data()));
}

TEST_CASE("depth2space refuses what does not fit", "[depth2space][errors]") {
  const Variable x{Array::zeros({1, 6, 4, 3}, DType::float32)};
  CHECK_THROWS_MATCHES(ops::depth2space(x, 2), ShapeError,
                       Message("depth2space: r*r must divide the channels of x (x has 6, r*r is 4)\n"
                               "  x: float32 [1, 6, 4, 3]  (n, r*r*c, h, w)\n"
                               "  hint: each channel of the result takes r*r of x"));
  CHECK_THROWS_MATCHES(ops::space2depth(x, 2), ShapeError,
                       Message("space2depth: r must divide the height and width of x (x has [4, 3], r is 2)\n"
                               "  x: float32 [1, 6, 4, 3]  (n, c, h*r, w*r)\n"
                               "  hint: pad x, or cut it, to whole blocks"));
  CHECK_THROWS_MATCHES(ops::depth2space(x, 0), ValueError,
                       Message("depth2space: r must be at least 1 (it is 0)\n"
                               "  x: float32 [1, 6, 4, 3]  (n, r*r*c, h, w)\n"
                               "  hint: it is the side of a block in pixels"));
  CHECK_THROWS_AS(ops::space2depth(x, std::int64_t{1} << 40), ValueError);
}

// SPDX-License-Identifier: BSD-3-Clause
// Pad::same against the same border put around x beforehand.
#include <support/tolerance.hpp>

#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <string>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/pad.hpp>
#include <fathom/ops/pooling_2d.hpp>

using namespace fathom;

namespace {

struct Op {
  std::string name;
  double border;
  bool has_weights;
  std::function<Variable(const Variable& x, const Variable& W, Pair2 kernel, Pair2 stride, Pad pad)> call;
};

const std::vector<Op> kOps = {
    {"convolution_2d", 0, true,
     [](const Variable& x, const Variable& W, Pair2, Pair2 stride, Pad pad) {
       return ops::convolution_2d(x, W, {}, {.stride = stride, .pad = pad});
     }},
    {"depthwise_convolution_2d", 0, true,
     [](const Variable& x, const Variable& W, Pair2, Pair2 stride, Pad pad) {
       return ops::depthwise_convolution_2d(x, W, {}, {.stride = stride, .pad = pad});
     }},
    {"max_pooling_2d", -std::numeric_limits<double>::infinity(), false,
     [](const Variable& x, const Variable&, Pair2 kernel, Pair2 stride, Pad pad) {
       return ops::max_pooling_2d(x, {kernel, stride, pad, false});
     }},
    {"average_pooling_2d", 0, false,
     [](const Variable& x, const Variable&, Pair2 kernel, Pair2 stride, Pad pad) {
       return ops::average_pooling_2d(x, {kernel, stride, pad});
     }},
};

/// TensorFlow's rule: `total` pixels, of which the smaller half stands before.
ops::PadWidth border(std::int64_t size, std::int64_t kernel, std::int64_t stride) {
  const std::int64_t outputs = (size + stride - 1) / stride;
  const std::int64_t total = std::max<std::int64_t>(0, (outputs - 1) * stride + kernel - size);
  return {total / 2, total - total / 2};
}

Arrays with_gradients(const Variable& y, const Variable& x, const Variable& W, bool has_weights) {
  const Variable gy(uniform({4, 0}, y.shape(), -1, 1, y.dtype()));
  Arrays result{y.data()};
  for (const Variable& g : grad(Variables{y}, has_weights ? Variables{x, W} : Variables{x}, Variables{gy}))
    result.push_back(g.data());
  return result;
}

void check_same(const Op& op, const Shape& shape, Pair2 kernel, Pair2 stride, DType dtype) {
  INFO(op.name << " " << dtype << " x " << shape << " kernel " << to_string(kernel) << " stride "
               << to_string(stride));
  const Variable x(uniform({5, 0}, shape, -1, 1, dtype), true);
  const Variable W(uniform({5, 1}, {2, shape[1], kernel.y, kernel.x}, -1, 1, dtype), true);
  const Variable y = op.call(x, W, kernel, stride, Pad::same);
  REQUIRE(y.shape() == Shape{shape[0], y.shape(1), (shape[2] + stride.y - 1) / stride.y,
                             (shape[3] + stride.x - 1) / stride.x});
  const Variable padded = ops::pad(
      x, {{0, 0}, {0, 0}, border(shape[2], kernel.y, stride.y), border(shape[3], kernel.x, stride.x)},
      {.value = op.border});
  const Arrays wanted = with_gradients(op.call(padded, W, kernel, stride, 0), x, W, op.has_weights);
  const Arrays got = with_gradients(y, x, W, op.has_weights);
  const double tolerance = test::sum_tolerance(dtype, 2 * y.data().size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    INFO("result " << i);
    CHECK(allclose(got[i], wanted[i], 0, tolerance * static_cast<double>(i == 2 ? y.data().size() : 50)));
  }
}

}  // namespace

TEST_CASE("Pad::same is TensorFlow's border around x", "[same_padding]") {
  const Op& op = GENERATE(from_range(kOps));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  for (const std::int64_t size : {1, 2, 5, 6, 9, 40}) {
    for (const Pair2 kernel : {Pair2{1, 2}, Pair2{2, 3}, Pair2{3}, Pair2{4}, Pair2{5}}) {
      for (const Pair2 stride : {Pair2{1}, Pair2{2}, Pair2{3, 1}}) {
        check_same(op, {2, 2, size, size + 1}, kernel, stride, dtype);
      }
    }
  }
  // One column, which fills its buffer: the taps beside it must not be looked for behind the slack.
  for (const std::int64_t size : {8, 16}) check_same(op, {1, 1, size, 1}, 5, 1, dtype);
}

TEST_CASE("an odd pixel of Pad::same stands at the end", "[same_padding]") {
  using ops::detail::place_windows;
  const auto windows = place_windows({6, 5}, {3, 3}, {2, 2}, Pad::same);
  CHECK(windows.count == Pair2{3, 3});
  CHECK(windows.before == Pair2{0, 1});
  CHECK(place_windows({4, 4}, {2, 1}, {1, 3}, Pad::same).before == Pair2{0, 0});
  const Variable x(Array::from({1.0, 2.0, 4.0}, {1, 1, 1, 3}));
  const Variable sums = ops::average_pooling_2d(x, {.kernel = {1, 2}, .stride = 1, .pad = Pad::same}) * 2.0;
  CHECK(identical(sums.data(), Array::from({3.0, 6.0, 4.0}, {1, 1, 1, 3})));
  // Whatever cover_all says: the size is that of x over the stride.
  for (const bool cover_all : {false, true}) {
    CHECK(ops::max_pooling_2d(x, {{1, 1}, Pair2{1, 2}, Pad::same, cover_all}).shape() == Shape{1, 1, 1, 2});
  }
  CHECK(to_string(Pad(Pad::same)) == "same");
  CHECK(to_string(Pad(1, 2)) == "[1, 2]");
}

TEST_CASE("Pad::same of no pixels is refused", "[same_padding][errors]") {
  const Variable x(Array::ones({1, 1, 0, 3}, DType::float32));
  CHECK_THROWS_WITH(ops::average_pooling_2d(x, {.pad = Pad::same}),
                    "average_pooling_2d: a window must fit the padded image (image [0, 3], kernel [2, 2], "
                    "stride [2, 2], pad same)\n"
                    "  x: float32 [1, 1, 0, 3]  (n, c, h, w)\n"
                    "  hint: make the kernel smaller or the pad larger");
}

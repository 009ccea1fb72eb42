// SPDX-License-Identifier: BSD-3-Clause
// What all ops that move a window over an image refuse in the same words.
#include <catch2/catch.hpp>

#include <functional>

#include <fathom/core/error.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/deconvolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/pooling_2d.hpp>

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

const Variable kX(Array::ones({2, 3, 8, 9}, DType::float32));
const Variable kW(Array::ones({3, 3, 3, 3}, DType::float32));

struct Op {
  std::string name;
  std::function<Variable(Pair2 stride, Pair2 pad)> call;
};

const std::vector<Op> kOps = {
    {"depthwise_convolution_2d",
     [](Pair2 s, Pair2 p) { return ops::depthwise_convolution_2d(kX, kW, {}, {.stride = s, .pad = p}); }},
    {"convolution_2d",
     [](Pair2 s, Pair2 p) { return ops::convolution_2d(kX, kW, {}, {.stride = s, .pad = p}); }},
    {"deconvolution_2d",
     [](Pair2 s, Pair2 p) { return ops::deconvolution_2d(kX, kW, {}, {.stride = s, .pad = p}); }},
    {"max_pooling_2d", [](Pair2 s, Pair2 p) { return ops::max_pooling_2d(kX, {.stride = s, .pad = p}); }},
    {"average_pooling_2d",
     [](Pair2 s, Pair2 p) { return ops::average_pooling_2d(kX, {.stride = s, .pad = p}); }},
};

}  // namespace

TEST_CASE("strides and pads out of range are refused", "[window][error]") {
  const Op& op = GENERATE(from_range(kOps));
  const std::int64_t huge = std::int64_t{1} << 62;
  CHECK_THROWS_WITH(
      op.call({0, 1}, 0),
      Contains(op.name + ": stride must be at least 1 (it is [0, 1])\n  x: float32 [2, 3, 8, 9]") &&
          Catch::EndsWith("\n  hint: 1 moves the window pixel by pixel; 2 halves the size"));
  CHECK_THROWS_WITH(op.call(1, {0, -1}),
                    Contains(op.name + ": pad must be at least 0 (it is [0, -1])") &&
                        Catch::EndsWith("\n  hint: 0 adds no border; this op does not crop x"));
  CHECK_THROWS_WITH(
      op.call(huge, 0),
      Contains(op.name + ": stride must be at most 1048576") &&
          Catch::EndsWith("\n  hint: it counts pixels; a number like that often comes from an overflow"));
  CHECK_THROWS_WITH(op.call(1, huge), Contains(op.name + ": pad must be at most 1048576"));
  CHECK_THROWS_AS(op.call(-1, 0), ValueError);
}

TEST_CASE("every argument is listed whichever breaks a rule", "[window][error]") {
  const Variable b(Array::ones({3}, DType::float32));
  const Variable flat(Array::ones({2, 3}, DType::float32));
  const std::string arguments = "\n  x: float32 [2, 3]        (n, cI, h, w)\n  W: float32 [3, 3, 3, 3]  ";
  CHECK_THROWS_WITH(ops::convolution_2d(flat, kW, b),
                    "convolution_2d: x must have 4 axes (n, cI, h, w) (it has 2)" + arguments +
                        "(cO, cI/groups, kH, kW)\n"
                        "  b: float32 [3]           (cO)\n"
                        "  hint: reshape gives it the right number of axes; an axis of size 1 counts too");
  CHECK_THROWS_WITH(ops::deconvolution_2d(flat, kW, b),
                    Contains(arguments + "(cI, cO/groups, kH, kW)\n  b: float32 [3]  "));
  CHECK_THROWS_WITH(ops::depthwise_convolution_2d(flat, kW, b),
                    Contains(arguments + "(cM, cI, kH, kW)\n  b: float32 [3]  "));
  CHECK_THROWS_WITH(ops::linear({}, flat, b), Contains("linear: x must not be undefined\n  x: undefined") &&
                                                  Contains("\n  W: float32 [2, 3]") &&
                                                  Contains("\n  b: float32 [3]"));
  CHECK_THROWS_WITH(ops::matmul({}, flat), Contains("\n  a: undefined") && Contains("\n  b: float32 [2, 3]"));
}

TEST_CASE("positions of a window", "[window]") {
  using ops::detail::window_positions;
  CHECK(window_positions(5, 3, 1, 0) == 3);
  CHECK(window_positions(5, 3, 2, 1) == 3);
  CHECK(window_positions(6, 3, 2, 0) == 2);
  CHECK(window_positions(6, 3, 2, 0, true) == 3);
  CHECK(window_positions(2, 3, 1, 0) == 0);
  CHECK(ops::detail::kernel_extent(3, 2) == 5);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>

using namespace fathom;
using ops::depthwise_convolution_2d;
using ops::DepthwiseConvolution2DOptions;

namespace {

Variable ones(const Shape& shape, DType dtype = DType::float32) {
  return Variable{Array::ones(shape, dtype)};
}

/// The error's text; the call must throw an E and leave the memory as it was.
template <class E>
std::string error_of(const Variable& x, const Variable& W, const Variable& b = {},
                     const DepthwiseConvolution2DOptions& options = {}) {
  const MemoryStatistics before = memory_statistics();
  std::string text = "no error";
  try {
    const Variable y = depthwise_convolution_2d(x, W, b, options);
  } catch (const E& error) {
    text = error.what();
  }
  CHECK(memory_statistics().bytes_in_use == before.bytes_in_use);
  return text;
}

}  // namespace

TEST_CASE("depthwise_convolution_2d says which channels differ", "[depthwise_convolution_2d][errors]") {
  CHECK(error_of<ShapeError>(ones({64, 32, 28, 28}), ones({1, 16, 3, 3})) ==
        R"(depthwise_convolution_2d: W must have as many channels as x (x has 32, W has 16)
  x: float32 [64, 32, 28, 28]  (n, cI, h, w)
  W: float32 [1, 16, 3, 3]     (cM, cI, kH, kW)
  hint: W is (cM, cI, kH, kW) with cM kernels for each of the cI channels of x)");
}

TEST_CASE("depthwise_convolution_2d recognises the layouts of other libraries",
          "[depthwise_convolution_2d][errors]") {
  CHECK(error_of<ShapeError>(ones({2, 3, 4, 7}), ones({6, 1, 3, 3})) ==
        R"(depthwise_convolution_2d: W must have as many channels as x (x has 3, W has 1)
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [6, 1, 3, 3]  (cM, cI, kH, kW)
  hint: W is (cM, cI, kH, kW); a PyTorch weight (cI*cM, 1, kH, kW) becomes that by reshape to (cI, cM, kH, kW) and transpose {1, 0, 2, 3})");
  CHECK(error_of<ShapeError>(ones({2, 3, 4, 7}), ones({3, 2, 3, 3})) ==
        R"(depthwise_convolution_2d: W must have as many channels as x (x has 3, W has 2)
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [3, 2, 3, 3]  (cM, cI, kH, kW)
  hint: W is (cM, cI, kH, kW); its first two axes look swapped: transpose {1, 0, 2, 3})");
}

TEST_CASE("depthwise_convolution_2d refuses wrong ranks", "[depthwise_convolution_2d][errors]") {
  CHECK(error_of<ShapeError>(ones({3, 4, 7}), ones({2, 3, 3, 3})) ==
        R"(depthwise_convolution_2d: x must have 4 axes (n, cI, h, w) (it has 3)
  x: float32 [3, 4, 7]     (n, cI, h, w)
  W: float32 [2, 3, 3, 3]  (cM, cI, kH, kW)
  hint: reshape gives it the right number of axes; an axis of size 1 counts too)");
  CHECK(error_of<ShapeError>(ones({1, 2, 3, 4, 7}), ones({2, 3, 3, 3})) ==
        R"(depthwise_convolution_2d: x must have 4 axes (n, cI, h, w) (it has 5)
  x: float32 [1, 2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [2, 3, 3, 3]     (cM, cI, kH, kW)
  hint: reshape gives it the right number of axes; an axis of size 1 counts too)");
  CHECK(error_of<ShapeError>(ones({2, 3, 4, 7}), ones({2, 3, 3})) ==
        R"(depthwise_convolution_2d: W must have 4 axes (cM, cI, kH, kW) (it has 3)
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [2, 3, 3]     (cM, cI, kH, kW)
  hint: reshape gives it the right number of axes; an axis of size 1 counts too)");
  CHECK(error_of<ShapeError>(ones({2, 3, 4, 7}), ones({2, 3, 3, 3}), ones({1, 6})) ==
        R"(depthwise_convolution_2d: b must have 1 axes (cM*cI) (it has 2)
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [2, 3, 3, 3]  (cM, cI, kH, kW)
  b: float32 [1, 6]        (cM*cI)
  hint: reshape gives it the right number of axes; an axis of size 1 counts too)");
}

TEST_CASE("depthwise_convolution_2d refuses a bias of another length", "[depthwise_convolution_2d][errors]") {
  const std::int64_t length = GENERATE(3, 7);
  CHECK(error_of<ShapeError>(ones({2, 3, 4, 7}), ones({2, 3, 3, 3}), ones({length})) ==
        "depthwise_convolution_2d: b must have one value for each output channel (b has " +
            std::to_string(length) + R"(, the channels are 6)
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [2, 3, 3, 3]  (cM, cI, kH, kW)
  b: float32 [)" +
            std::to_string(length) +
            "]           (cM*cI)\n  hint: leave b out, or give one value for each output channel");
}

TEST_CASE("depthwise_convolution_2d does not mix types", "[depthwise_convolution_2d][errors]") {
  CHECK(error_of<DTypeError>(ones({2, 3, 4, 7}), ones({2, 3, 3, 3}, DType::float64)) ==
        R"(depthwise_convolution_2d: W must have the dtype of x (x is float32, W is float64)
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float64 [2, 3, 3, 3]  (cM, cI, kH, kW)
  hint: types are never mixed silently; convert one with astype(DType::float32))");
  CHECK(error_of<DTypeError>(ones({2, 3, 4, 7}, DType::float64), ones({2, 3, 3, 3}, DType::float64),
                             ones({6})) ==
        R"(depthwise_convolution_2d: b must have the dtype of x (x is float64, b is float32)
  x: float64 [2, 3, 4, 7]  (n, cI, h, w)
  W: float64 [2, 3, 3, 3]  (cM, cI, kH, kW)
  b: float32 [6]           (cM*cI)
  hint: types are never mixed silently; convert one with astype(DType::float64))");
}

TEST_CASE("depthwise_convolution_2d needs room for the kernel", "[depthwise_convolution_2d][errors]") {
  CHECK(
      error_of<ShapeError>(ones({2, 3, 4, 7}), ones({2, 3, 5, 3})) ==
      R"(depthwise_convolution_2d: the kernel must not be higher than the padded image (4 + 2*0 pixels, 5 taps with dilation 1)
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [2, 3, 5, 3]  (cM, cI, kH, kW)
  hint: raise pad, or use a smaller kernel or dilation)");
  CHECK(
      error_of<ShapeError>(ones({2, 3, 9, 7}), ones({2, 3, 3, 4}), {}, {.pad = 1, .dilation = 3}) ==
      R"(depthwise_convolution_2d: the kernel must not be wider than the padded image (7 + 2*1 pixels, 4 taps with dilation 3)
  x: float32 [2, 3, 9, 7]  (n, cI, h, w)
  W: float32 [2, 3, 3, 4]  (cM, cI, kH, kW)
  hint: raise pad, or use a smaller kernel or dilation)");
  CHECK(depthwise_convolution_2d(ones({2, 3, 4, 7}), ones({2, 3, 5, 3}), {}, {.pad = 1}).shape() ==
        Shape{2, 6, 2, 7});
  CHECK(depthwise_convolution_2d(ones({2, 3, 4, 7}), ones({2, 3, 4, 7})).shape() == Shape{2, 6, 1, 1});
}

TEST_CASE("depthwise_convolution_2d refuses impossible options", "[depthwise_convolution_2d][errors]") {
  const std::string stride_hint = "1 moves the window pixel by pixel; 2 halves the size";
  const std::string pad_hint = "0 adds no border; this op does not crop x";
  const std::string dilation_hint = "1 leaves no gap between taps; 2 leaves one pixel";
  const std::string large_hint = "it counts pixels; a number like that often comes from an overflow";
  const auto [options, rule, hint] =
      GENERATE_COPY(table<DepthwiseConvolution2DOptions, std::string, std::string>(
          {{{.stride = 0}, "stride must be at least 1 (it is [0, 0])", stride_hint},
           {{.stride = {1, 0}}, "stride must be at least 1 (it is [1, 0])", stride_hint},
           {{.stride = -2}, "stride must be at least 1 (it is [-2, -2])", stride_hint},
           {{.pad = -1}, "pad must be at least 0 (it is [-1, -1])", pad_hint},
           {{.pad = {0, -1}}, "pad must be at least 0 (it is [0, -1])", pad_hint},
           {{.dilation = {0, 1}}, "dilation must be at least 1 (it is [0, 1])", dilation_hint},
           {{.stride = {1, std::int64_t{1} << 40}},
            "stride must be at most 1048576 (it is [1, 1099511627776])",
            large_hint},
           {{.pad = INT64_MAX},
            "pad must be at most 1048576 (it is [9223372036854775807, 9223372036854775807])",
            large_hint},
           {{.dilation = INT64_MAX},
            "dilation must be at most 1048576 (it is [9223372036854775807, 9223372036854775807])",
            large_hint}}));
  CHECK(error_of<ValueError>(ones({2, 3, 4, 7}), ones({2, 3, 3, 3}), {}, options) ==
        "depthwise_convolution_2d: " + rule +
            R"(
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [2, 3, 3, 3]  (cM, cI, kH, kW)
  hint: )" + hint);
}

TEST_CASE("depthwise_convolution_2d needs elements along every axis but the batch",
          "[depthwise_convolution_2d][errors]") {
  CHECK(error_of<ShapeError>(ones({2, 3, 4, 0}), ones({2, 3, 3, 3})) ==
        R"(depthwise_convolution_2d: axis 3 of x must not be empty
  x: float32 [2, 3, 4, 0]  (n, cI, h, w)
  W: float32 [2, 3, 3, 3]  (cM, cI, kH, kW)
  hint: only the axis n may be empty; look where the array is made)");
  CHECK(error_of<ShapeError>(ones({2, 3, 4, 7}), ones({0, 3, 3, 3})) ==
        R"(depthwise_convolution_2d: axis 0 of W must not be empty
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: float32 [0, 3, 3, 3]  (cM, cI, kH, kW)
  hint: only the axis n may be empty; look where the array is made)");
}

TEST_CASE("depthwise_convolution_2d needs x and W", "[depthwise_convolution_2d][errors]") {
  CHECK(error_of<GraphError>({}, ones({2, 3, 3, 3})) ==
        R"(depthwise_convolution_2d: x must not be undefined
  x: undefined             (n, cI, h, w)
  W: float32 [2, 3, 3, 3]  (cM, cI, kH, kW)
  hint: Variable{} is legal for optional arguments only; give a deferred parameter its data with initialize)");
  CHECK(error_of<GraphError>(ones({2, 3, 4, 7}), {}) ==
        R"(depthwise_convolution_2d: W must not be undefined
  x: float32 [2, 3, 4, 7]  (n, cI, h, w)
  W: undefined             (cM, cI, kH, kW)
  hint: Variable{} is legal for optional arguments only; give a deferred parameter its data with initialize)");
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/deconvolution_2d.hpp>

#include <algorithm>
#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <support/convolution.hpp>
#include <support/restore.hpp>

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using test::ConvolutionCase;

namespace {

Array random(std::uint64_t stream, const Shape& shape, DType dtype = DType::float64) {
  return uniform({12, stream}, shape, -1, 1, DType::float64).astype(dtype);
}

ops::Deconvolution2DOptions options_of(const ConvolutionCase& c) {
  return {
      .stride = c.stride, .pad = c.pad, .dilation = c.dilation, .groups = c.groups, .output_size = c.image};
}

/// Those that deconvolution has: no cover_all.
std::vector<ConvolutionCase> cases() {
  std::vector<ConvolutionCase> result = test::convolution_cases();
  std::erase_if(result, [](const ConvolutionCase& c) { return c.cover_all; });
  return result;
}

}  // namespace

TEST_CASE("deconvolution_2d and its gradients agree with plain loops", "[deconvolution_2d]") {
  const test::RestoreSettings restore;
  const ConvolutionCase c = GENERATE(from_range(cases()));
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  CAPTURE(c, to_string(isa), dtype);
  set_isa(isa);
  const Variable x{random(1, c.map_shape(), dtype), true};
  const Variable W{random(2, c.weight_shape(), dtype), true};
  const Array gy = random(3, c.image_shape(), dtype);
  const Variables ys{ops::deconvolution_2d(x, W, {}, options_of(c))};
  CHECK(test::count_far(ys[0].data(), test::reference_deconvolution(c, x.data(), W.data()),
                        test::reference_deconvolution(c, x.data(), W.data(), true),
                        c.map_channels / c.groups * c.kernel.y * c.kernel.x) == 0);
  const Variables gys{Variable{gy}};
  backward(ys, gys);
  CHECK(test::count_far(x.grad().data(), test::reference_convolution(c, gy, W.data()),
                        test::reference_convolution(c, gy, W.data(), true),
                        c.image_channels / c.groups * c.kernel.y * c.kernel.x) == 0);
  CHECK(test::count_far(W.grad().data(), test::reference_grad_w(c, gy, x.data()),
                        test::reference_grad_w(c, gy, x.data(), true), c.n * c.map().y * c.map().x) == 0);
}

TEST_CASE("deconvolution_2d passes the gradient checks", "[deconvolution_2d]") {
  const ConvolutionCase c = GENERATE(from_range(cases()));
  const bool with_bias = GENERATE(false, true);
  CAPTURE(c, with_bias);
  Arrays inputs{random(1, c.map_shape()), random(2, c.weight_shape())};
  if (with_bias) inputs.push_back(random(3, {c.image_channels}));
  const auto function = [&](const Variables& in) {
    return ops::deconvolution_2d(in[0], in[1], with_bias ? in[2] : Variable{}, options_of(c));
  };
  const GradientReport first = check_backward(function, inputs);
  INFO(first);
  CHECK(first);
  const GradientReport second = check_double_backward(function, inputs);
  INFO(second);
  CHECK(second);
}

TEST_CASE("deconvolution_2d adds the bias where no weight reaches", "[deconvolution_2d]") {
  const Variable x{Array::ones({1, 1, 2, 2}, DType::float32)};
  const Variable W{Array::ones({1, 2, 1, 1}, DType::float32)};
  const Variable b{Array::from({0.5F, -1.0F}, {2})};
  const Array y = ops::deconvolution_2d(x, W, b, {.stride = 2}).data();
  const Array expected = Array::from({1.5F, 0.5F, 1.5F, 0.5F, 0.5F, 0.5F, 1.5F, 0.5F, 1.5F, 0.0F, -1.0F, 0.0F,
                                      -1.0F, -1.0F, -1.0F, 0.0F, -1.0F, 0.0F},
                                     {1, 2, 3, 3});
  CHECK(identical(y, expected));
}

TEST_CASE("deconvolution_2d's output size", "[deconvolution_2d]") {
  const Variable x{Array::ones({1, 2, 3, 4}, DType::float32)};
  const Variable W{Array::ones({2, 3, 3, 3}, DType::float32)};
  using ops::deconvolution_2d;
  CHECK(deconvolution_2d(x, W).shape() == Shape{1, 3, 5, 6});
  CHECK(deconvolution_2d(x, W, {}, {.stride = 2, .pad = 1}).shape() == Shape{1, 3, 5, 7});
  CHECK(deconvolution_2d(x, W, {}, {.stride = 2, .pad = 1, .output_size = Pair2{6, 8}}).shape() ==
        Shape{1, 3, 6, 8});
  CHECK(deconvolution_2d(x, W, {}, {.dilation = {2, 1}}).shape() == Shape{1, 3, 7, 6});
  const Variable none{Array::ones({0, 2, 3, 4}, DType::float32)};
  CHECK(deconvolution_2d(none, W).shape() == Shape{0, 3, 5, 6});
}

TEST_CASE("deconvolution_2d gives the same bits for any number of threads", "[deconvolution_2d]") {
  const test::RestoreSettings restore;
  const Variable x{random(1, {5, 24, 15, 17}, DType::float32)};
  const Variable W{random(2, {24, 16, 3, 3}, DType::float32)};
  const std::int64_t stride = GENERATE(1, 2);
  set_num_threads(1);
  const Array expected = ops::deconvolution_2d(x, W, {}, {.stride = stride, .pad = 1}).data();
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CAPTURE(stride, threads);
    CHECK(identical(ops::deconvolution_2d(x, W, {}, {.stride = stride, .pad = 1}).data(), expected));
  }
}

TEST_CASE("deconvolution_2d refuses what does not fit", "[deconvolution_2d]") {
  const auto var = [](const Shape& shape, DType dtype = DType::float32) {
    return Variable{Array::ones(shape, dtype)};
  };
  const Variable x = var({2, 3, 4, 4});
  const Variable W = var({3, 2, 3, 3});
  using ops::deconvolution_2d;
  CHECK_THROWS_AS(deconvolution_2d({}, W), GraphError);
  CHECK_THROWS_AS(deconvolution_2d(x, var({3, 2, 3})), ShapeError);
  CHECK_THROWS_AS(deconvolution_2d(x, var({3, 2, 3, 3}, DType::float64)), DTypeError);
  CHECK_THROWS_AS(deconvolution_2d(x, var({4, 2, 3, 3})), ShapeError);
  CHECK_THROWS_WITH(
      deconvolution_2d(x, var({2, 3, 3, 3})),
      Equals("deconvolution_2d: W must have as many input channels as x (x has 3, W has 2)\n"
             "  x: float32 [2, 3, 4, 4]  (n, cI, h, w)\n"
             "  W: float32 [2, 3, 3, 3]  (cI, cO/groups, kH, kW)\n"
             "  hint: W is (cI, cO/groups, kH, kW) as in PyTorch's ConvTranspose2d: the channels of x "
             "come first, unlike in convolution_2d"));
  CHECK_THROWS_AS(deconvolution_2d(x, W, {}, {.groups = 2}), ValueError);
  CHECK_THROWS_WITH(deconvolution_2d(x, W, var({3})),
                    Contains("b must have one value for each output channel (b has 3, the channels are 2)") &&
                        Catch::EndsWith("\n  hint: leave b out, or give one value for each output channel"));
  CHECK_THROWS_WITH(deconvolution_2d(x, W, {}, {.stride = 0}), Contains("stride must be at least 1"));
  CHECK_THROWS_WITH(deconvolution_2d(x, W, {}, {.pad = -1}), Contains("pad must be at least 0"));
  CHECK_THROWS_WITH(deconvolution_2d(x, W, {}, {.dilation = -1}), Contains("dilation must be at least 1"));
  CHECK_THROWS_WITH(
      deconvolution_2d(x, W, {}, {.output_size = Pair2{20, 20}}),
      Contains("output_size must have as many windows as x has pixels: hO must be in [6, 6] (it is 20)"));
  CHECK_THROWS_WITH(
      deconvolution_2d(x, W, {}, {.stride = 2, .output_size = Pair2{9, 8}}),
      Contains("output_size must have as many windows as x has pixels: wO must be in [9, 10] (it is 8)"));
  CHECK_THROWS_WITH(
      deconvolution_2d(var({2, 3, 1, 1}), W, {}, {.pad = 2}),
      Contains("hO must be positive ((h - 1) * stride + extent - 2 * pad is -1; x has 1, stride is 1, the "
               "kernel's extent 3, pad 2)"));
  CHECK_THROWS_WITH(deconvolution_2d(var({2, 3, 0, 1}), W), Contains("x must have at least one pixel"));
  CHECK_THROWS_WITH(deconvolution_2d(x, var({3, 2, 3, 0})), Contains("the kernel must not be empty"));
}

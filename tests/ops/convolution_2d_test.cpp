// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/random.hpp>
#include <support/convolution.hpp>
#include <support/restore.hpp>

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using test::ConvolutionCase;

namespace {

Array random(std::uint64_t stream, const Shape& shape, DType dtype = DType::float64) {
  return uniform({11, stream}, shape, -1, 1, DType::float64).astype(dtype);
}

ops::Convolution2DOptions options_of(const ConvolutionCase& c) {
  return {
      .stride = c.stride, .pad = c.pad, .dilation = c.dilation, .groups = c.groups, .cover_all = c.cover_all};
}

std::int64_t calls(std::string_view kernel, Isa isa, DType dtype) {
  std::int64_t result = 0;
  for (const KernelCount& count : kernel_counts()) {
    if (count.kernel == kernel && count.isa == isa && count.dtype == dtype) result += count.calls;
  }
  return result;
}

}  // namespace

TEST_CASE("convolution_2d and its gradients agree with plain loops", "[convolution_2d]") {
  const test::RestoreSettings restore;
  const ConvolutionCase c = GENERATE(from_range(test::convolution_cases()));
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  CAPTURE(c, to_string(isa), dtype);
  set_isa(isa);
  reset_kernel_counts();
  const Variable x{random(1, c.image_shape(), dtype), true};
  const Variable W{random(2, c.weight_shape(), dtype), true};
  const Array gy = random(3, c.map_shape(), dtype);
  const Variable y = ops::convolution_2d(x, W, {}, options_of(c));
  const std::int64_t terms = c.image_channels / c.groups * c.kernel.y * c.kernel.x;
  CHECK(test::count_far(y.data(), test::reference_convolution(c, x.data(), W.data()),
                        test::reference_convolution(c, x.data(), W.data(), true), terms) == 0);
  const Variables ys{y};
  const Variables gys{Variable{gy}};
  backward(ys, gys);
  CHECK(test::count_far(x.grad().data(), test::reference_deconvolution(c, gy, W.data()),
                        test::reference_deconvolution(c, gy, W.data(), true),
                        c.map_channels / c.groups * c.kernel.y * c.kernel.x) == 0);
  CHECK(test::count_far(W.grad().data(), test::reference_grad_w(c, x.data(), gy),
                        test::reference_grad_w(c, x.data(), gy, true), c.n * c.map().y * c.map().x) == 0);
  // With small planes a product for each set of pixels that the same weights see.
  const bool small = calls("gemm/convolution_2d_small", isa, dtype) > 0;
  const bool small_back = calls("gemm/deconvolution_2d_small", isa, dtype) > 0;
  CHECK(calls("gemm/convolution_2d", isa, dtype) == (small ? 0 : 1));
  CHECK(calls("gemm/convolution_2d_grad_w", isa, dtype) +
            calls("convolution_2d/first_layer_grad_w", isa, dtype) ==
        1);
  CHECK(calls("gemm/deconvolution_2d", isa, dtype) ==
        (small_back ? 0 : std::min(c.stride.y, c.image.y) * std::min(c.stride.x, c.image.x)));
}

TEST_CASE("convolution_2d passes the gradient checks", "[convolution_2d]") {
  const ConvolutionCase c = GENERATE(from_range(test::convolution_cases()));
  const bool with_bias = GENERATE(false, true);
  CAPTURE(c, with_bias);
  Arrays inputs{random(1, c.image_shape()), random(2, c.weight_shape())};
  if (with_bias) inputs.push_back(random(3, {c.map_channels}));
  const auto function = [&](const Variables& in) {
    return ops::convolution_2d(in[0], in[1], with_bias ? in[2] : Variable{}, options_of(c));
  };
  const GradientReport first = check_backward(function, inputs);
  INFO(first);
  CHECK(first);
  const GradientReport second = check_double_backward(function, inputs);
  INFO(second);
  CHECK(second);
}

TEST_CASE("convolution_2d adds the bias of each output channel", "[convolution_2d]") {
  const ConvolutionCase c = GENERATE(from_range(test::convolution_cases()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  CAPTURE(c, dtype);
  const Variable x{random(1, c.image_shape(), dtype)};
  const Variable W{random(2, c.weight_shape(), dtype)};
  const Variable b{random(3, {c.map_channels}, dtype), true};
  const Array plain = ops::convolution_2d(x, W, {}, options_of(c)).data();
  const Variable y = ops::convolution_2d(x, W, b, options_of(c));
  const std::int64_t pixels = c.map().y * c.map().x;
  Array expected = plain.astype(DType::float64).copy();
  Array magnitudes = Array::full(plain.shape(), 10.0, DType::float64);
  double* values = expected.mutable_data<double>();
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    values[i] += b.data().astype(DType::float64).data<double>()[i / pixels % c.map_channels];
  }
  CHECK(test::count_far(y.data(), expected, magnitudes, 1) == 0);
  const Variables ys{y};
  const Variables gys{Variable{Array::ones(y.shape(), dtype)}};
  backward(ys, gys);
  CHECK(allclose(b.grad().data(), Array::full({c.map_channels}, static_cast<double>(c.n * pixels), dtype), 0,
                 0));
}

TEST_CASE("convolution_2d: second order runs through the same kernels", "[convolution_2d]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  const Variable x{random(1, {2, 3, 5, 4}, dtype), true};
  const Variable W{random(2, {4, 3, 3, 3}, dtype), true};
  const Variable y = ops::convolution_2d(x, W, {}, {.pad = 1});
  const Variables ys{y};
  const Variables gys{Variable{random(3, y.shape(), dtype), true}};
  const Variables xs{x, W};
  const Variables gradients = grad(ys, xs, gys, {.create_graph = true});
  reset_kernel_counts();
  const Variables ggs{Variable{random(4, x.shape(), dtype)}, Variable{random(5, W.shape(), dtype)}};
  const Variables targets{x, W, gys[0]};
  const Variables seconds = grad(gradients, targets, ggs);
  for (const Variable& second : seconds) CHECK(second.defined());
  CHECK(calls("gemm/convolution_2d", isa, dtype) == 2);         // gy of both gradients
  CHECK(calls("gemm/deconvolution_2d", isa, dtype) == 1);       // x of gW
  CHECK(calls("gemm/convolution_2d_grad_w", isa, dtype) == 1);  // W of gx
  std::int64_t all = 0;
  for (const KernelCount& count : kernel_counts()) all += count.calls;
  CHECK(all == 4);
}

TEST_CASE("convolution_2d gives the same bits for any number of threads", "[convolution_2d]") {
  const test::RestoreSettings restore;
  const ConvolutionCase c = GENERATE(
      ConvolutionCase{5, 16, 40, 1, {30, 31}, 3, 1, 1, 1},
      ConvolutionCase{4, 32, 24, 2, {33, 20}, 3, 2, 1, 1},
      ConvolutionCase{3, 64, 96, 1, {20, 20}, 1, 1, 0, 1}, ConvolutionCase{8, 3, 32, 1, {64, 61}, 3, 1, 1, 1},
      ConvolutionCase{16, 32, 17, 1, {14, 14}, 3, 1, 1, 1},
      ConvolutionCase{64, 48, 64, 1, {7, 7}, 3, 1, 1, 1}, ConvolutionCase{36, 48, 64, 1, {7, 7}, 3, 1, 1, 1});
  CAPTURE(c);
  const auto run = [&](int threads) {
    set_num_threads(threads);
    const Variable x{random(1, c.image_shape(), DType::float32), true};
    const Variable W{random(2, c.weight_shape(), DType::float32), true};
    const Variable b{random(3, {c.map_channels}, DType::float32), true};
    const Variables ys{ops::convolution_2d(x, W, b, options_of(c))};
    const Variables gys{Variable{random(4, c.map_shape(), DType::float32)}};
    backward(ys, gys);
    return Arrays{ys[0].data(), x.grad().data(), W.grad().data(), b.grad().data()};
  };
  const Arrays expected = run(1);
  for (const int threads : {2, 3, 5}) {
    const Arrays results = run(threads);
    for (std::size_t i = 0; i < results.size(); ++i) {
      CAPTURE(threads, i);
      CHECK(identical(results[i], expected[i]));
    }
  }
}

TEST_CASE("convolution_2d computes gW of first layers without transposing", "[convolution_2d]") {
  const test::RestoreSettings restore;
  struct Case {
    ConvolutionCase sizes;
    bool is_direct;
  };
  const auto [sizes, is_direct] = GENERATE(Case{{2, 3, 8, 1, {9, 32}, 3, 2, 1, 1}, true},   // 16 of 16 lanes
                                           Case{{2, 1, 8, 1, {7, 28}, 5, 1, 2, 1}, true},   // 28 of 32
                                           Case{{2, 3, 8, 1, {9, 18}, 3, 1, 1, 1}, false},  // 18 of 32
                                           Case{{2, 5, 8, 1, {9, 32}, 3, 2, 1, 1}, false},
                                           Case{{2, 4, 300, 1, {9, 32}, 3, 1, 1, 1}, false});
  CAPTURE(sizes);
  reset_kernel_counts();
  const Variable W{random(2, sizes.weight_shape(), DType::float32), true};
  const Variables ys{ops::convolution_2d(Variable{random(1, sizes.image_shape(), DType::float32)}, W, {},
                                         options_of(sizes))};
  const Variables gys{Variable{random(3, sizes.map_shape(), DType::float32)}};
  backward(ys, gys);
  CHECK(calls("convolution_2d/first_layer_grad_w", active_isa(), DType::float32) == (is_direct ? 1 : 0));
}

TEST_CASE("convolution_2d: an infinite pixel reaches the weights that see it and no others",
          "[convolution_2d]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  // Rows of 29 leave lanes of the last vector empty, for which there are pixels all the same: the last ones
  // of the row, and those of the next.
  const bool is_last = GENERATE(false, true);
  Array pixels = random(1, {1, 1, 3, 29}, DType::float32);
  pixels.mutable_data<float>()[is_last ? 57 : 29] = std::numeric_limits<float>::infinity();
  const Variable W{random(2, {8, 1, 3, 3}, DType::float32), true};
  const Variables ys{ops::convolution_2d(Variable{pixels}, W, {}, {.pad = {0, 1}})};
  const Variables gys{Variable{Array::ones(ys[0].shape(), DType::float32)}};
  backward(ys, gys);
  const float* gW = W.grad().data().data<float>();
  const std::int64_t side = is_last ? 5 : 3;
  for (std::int64_t i = 0; i < 72; ++i) {
    CAPTURE(is_last, i);
    // It lies under the middle tap and one beside it, of one row of taps.
    CHECK(std::isfinite(gW[i]) == !(i % 9 == side || i % 9 == 4));
  }
}

TEST_CASE("convolution_2d adds to the gradients that are there", "[convolution_2d]") {
  // The second and the last: stride 1, with depths in one part and in two; the third: a first layer.
  const ConvolutionCase c = GENERATE(
      ConvolutionCase{2, 3, 4, 1, {6, 5}, 3, 2, 1, 1}, ConvolutionCase{2, 13, 15, 1, {9, 20}, 3, 1, 1, 1},
      ConvolutionCase{2, 3, 9, 1, {6, 31}, 3, 1, 1, 1}, ConvolutionCase{6, 5, 30, 1, {7, 7}, 3, 1, 1, 1});
  CAPTURE(c);
  const Variable x{random(1, c.image_shape()), true};
  const Variable W{random(2, c.weight_shape()), true};
  const Variable b{random(3, {c.map_channels}), true};
  const auto step = [&] {
    const Variables ys{ops::convolution_2d(x, W, b, options_of(c))};
    const Variables gys{Variable{random(4, ys[0].shape())}};
    backward(ys, gys);
  };
  step();
  const Arrays once{x.grad().data().copy(), W.grad().data().copy(), b.grad().data().copy()};
  step();
  const Arrays twice{x.grad().data(), W.grad().data(), b.grad().data()};
  for (std::size_t i = 0; i < once.size(); ++i) {
    Array doubled = once[i].copy();
    double* values = doubled.mutable_data<double>();
    for (std::int64_t j = 0; j < doubled.size(); ++j) values[j] *= 2;
    CHECK(identical(twice[i], doubled));
  }
}

TEST_CASE("convolution_2d of an empty batch has zero gradients", "[convolution_2d]") {
  const Variable x{Array::zeros({0, 3, 4, 4}, DType::float32), true};
  const Variable W{random(1, {2, 3, 3, 3}, DType::float32), true};
  const Variable b{random(2, {2}, DType::float32), true};
  const Variables ys{ops::convolution_2d(x, W, b, {.pad = 1})};
  CHECK(ys[0].shape() == Shape{0, 2, 4, 4});
  const Variables gys{Variable{Array::zeros({0, 2, 4, 4}, DType::float32)}};
  backward(ys, gys);
  CHECK(x.grad().shape() == x.shape());
  CHECK(identical(W.grad().data(), Array::zeros(W.shape(), DType::float32)));
  CHECK(identical(b.grad().data(), Array::zeros({2}, DType::float32)));
}

TEST_CASE("convolution_2d does not ask the system for memory again", "[convolution_2d]") {
  const Variable x{random(1, {3, 8, 20, 20}, DType::float32), true};
  const Variable W{random(2, {16, 8, 3, 3}, DType::float32), true};
  const auto step = [&] {
    const Variables ys{ops::convolution_2d(x, W, {}, {.stride = 2, .pad = 1})};
    const Variables gys{Variable{Array::ones(ys[0].shape(), DType::float32)}};
    backward(ys, gys);
  };
  step();
  step();
  const MemoryStatistics before = memory_statistics();
  step();
  step();
  const MemoryStatistics after = memory_statistics();
  CHECK(after.bytes_in_use == before.bytes_in_use);
  if (before.bytes_cached > 0)
    CHECK(after.system_allocations == before.system_allocations);  // none under asan
}

TEST_CASE("convolution_2d refuses what does not fit", "[convolution_2d]") {
  const auto var = [](const Shape& shape, DType dtype = DType::float32) {
    return Variable{Array::ones(shape, dtype)};
  };
  const Variable x = var({2, 3, 5, 5});
  const Variable W = var({4, 3, 3, 3});
  using ops::convolution_2d;
  const std::int64_t in_use = memory_statistics().bytes_in_use;

  CHECK_THROWS_AS(convolution_2d({}, W), GraphError);
  CHECK_THROWS_WITH(convolution_2d(x, {}), Contains("convolution_2d: W must not be undefined"));
  CHECK_THROWS_AS(convolution_2d(x, var({4, 3, 3})), ShapeError);
  CHECK_THROWS_WITH(convolution_2d(x, var({4, 3, 3})),
                    Contains("W must have 4 axes (cO, cI/groups, kH, kW) (it has 3)"));
  CHECK_THROWS_AS(convolution_2d(x, var({4, 3, 3, 3}, DType::float64)), DTypeError);
  CHECK_THROWS_WITH(convolution_2d(x, var({4, 3, 3, 3}, DType::float64)), Contains("astype(DType::float32)"));
  CHECK_THROWS_AS(convolution_2d(x, W, var({4}, DType::float64)), DTypeError);
  CHECK_THROWS_AS(convolution_2d(x, W, var({3})), ShapeError);
  CHECK_THROWS_WITH(
      convolution_2d(x, W, var({3})),
      Equals("convolution_2d: b must have one value for each output channel (b has 3, the channels are 4)\n"
             "  x: float32 [2, 3, 5, 5]  (n, cI, h, w)\n"
             "  W: float32 [4, 3, 3, 3]  (cO, cI/groups, kH, kW)\n"
             "  b: float32 [3]           (cO)\n"
             "  hint: leave b out, or give one value for each output channel"));

  CHECK_THROWS_AS(convolution_2d(x, W, {}, {.stride = 0}), ValueError);
  CHECK_THROWS_WITH(convolution_2d(x, W, {}, {.stride = {1, -2}}),
                    Contains("stride must be at least 1 (it is [1, -2])"));
  CHECK_THROWS_WITH(convolution_2d(x, W, {}, {.pad = -1}), Contains("pad must be at least 0"));
  CHECK_THROWS_WITH(convolution_2d(x, W, {}, {.dilation = 0}), Contains("dilation must be at least 1"));
  CHECK_THROWS_WITH(convolution_2d(x, W, {}, {.groups = 0}), Contains("groups must be at least 1"));
  CHECK_THROWS_WITH(convolution_2d(x, W, {}, {.groups = 2}),
                    Contains("groups must divide the channels of x (groups is 2, x has 3)"));
  CHECK_THROWS_WITH(convolution_2d(var({2, 4, 5, 5}), var({3, 2, 3, 3}), {}, {.groups = 2}),
                    Contains("groups must divide the output channels of W (groups is 2, W has 3)"));

  CHECK_THROWS_AS(convolution_2d(x, var({4, 2, 3, 3})), ShapeError);
  CHECK_THROWS_WITH(convolution_2d(x, var({4, 2, 3, 3})),
                    Contains("W must have cI / groups channels (x has 3, groups is 1, W has 2)"));
  CHECK_THROWS_WITH(convolution_2d(var({2, 5, 5, 3}), W), Contains("hint: x looks like (n, h, w, c)"));
  CHECK_THROWS_WITH(convolution_2d(x, var({3, 1, 3, 3})), Contains("use depthwise_convolution_2d"));
  CHECK_THROWS_WITH(convolution_2d(x, var({3, 4, 3, 3})),
                    Contains("the first axis of W counts output channels"));
  CHECK_THROWS_WITH(convolution_2d(x, var({4, 3, 0, 3})),
                    Contains("the kernel must not be empty (it is [0, 3])"));
  CHECK_THROWS_AS(convolution_2d(var({2, 3, 2, 5}), W), ShapeError);
  CHECK_THROWS_WITH(
      convolution_2d(var({2, 3, 2, 5}), W),
      Contains("hO must be positive: the kernel's extent along h must fit into the padded x (it is 3, x "
               "has 2 and pad is 0)"));
  CHECK_THROWS_WITH(convolution_2d(x, W, {}, {.dilation = {1, 3}}), Contains("wO must be positive"));
  CHECK(memory_statistics().bytes_in_use == in_use);
}

TEST_CASE("convolution_2d without output channels or with cover_all", "[convolution_2d]") {
  const Variable x{Array::ones({2, 3, 5, 5}, DType::float32)};
  const Variable none{Array::ones({0, 3, 3, 3}, DType::float32)};
  CHECK(ops::convolution_2d(x, none).shape() == Shape{2, 0, 3, 3});
  const Variable W{Array::ones({1, 3, 2, 2}, DType::float32)};
  CHECK(ops::convolution_2d(x, W, {}, {.stride = 2}).shape() == Shape{2, 1, 2, 2});
  CHECK(ops::convolution_2d(x, W, {}, {.stride = 2, .cover_all = true}).shape() == Shape{2, 1, 3, 3});
}

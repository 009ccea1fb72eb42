// SPDX-License-Identifier: BSD-3-Clause
#include <support/restore.hpp>
#include <support/tolerance.hpp>

#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <functional>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/reduction.hpp>

using namespace fathom;
using ops::depthwise_convolution_2d;
using ops::DepthwiseConvolution2DOptions;

namespace {

Array random_values(std::uint64_t stream, const Shape& shape, DType dtype = DType::float64) {
  return uniform({3, stream}, shape, -1, 1, dtype);
}

struct Case {
  Shape x, W;
  DepthwiseConvolution2DOptions options;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << fmt::format("x {} W {} stride {} pad {} dilation {}", to_string(c.x), to_string(c.W),
                            to_string(c.options.stride), to_string(c.options.pad),
                            to_string(c.options.dilation));
}

/// Every kernel of the table, every option, and the shapes where they go wrong first.
std::vector<Case> cases() {
  return {
      {{2, 3, 5, 6}, {1, 3, 3, 3}, {.pad = 1}},
      {{2, 2, 5, 7}, {2, 2, 3, 3}, {}},
      {{1, 2, 7, 5}, {1, 2, 3, 3}, {.stride = 2, .pad = 1}},
      {{2, 1, 6, 6}, {3, 1, 3, 3}, {.stride = 2}},
      {{1, 2, 6, 5}, {2, 2, 5, 5}, {.pad = 2}},
      {{2, 2, 7, 7}, {1, 2, 5, 5}, {.stride = 2, .pad = 2}},
      {{1, 2, 6, 6}, {2, 2, 2, 3}, {.stride = {1, 2}, .pad = {0, 1}}},
      {{1, 2, 7, 7}, {1, 2, 3, 3}, {.pad = 2, .dilation = 2}},
      {{1, 1, 9, 6}, {4, 1, 3, 2}, {.stride = {2, 1}, .pad = {2, 1}, .dilation = {2, 3}}},
      {{1, 2, 7, 8}, {1, 2, 2, 2}, {.stride = 3}},  // gaps between the windows
      {{2, 2, 4, 3}, {2, 2, 4, 3}, {}},             // kernel = image
      {{1, 2, 2, 3}, {1, 2, 3, 3}, {.pad = 4}},     // windows that see padding alone
      {{1, 2, 3, 3}, {2, 2, 1, 1}, {.pad = 1}},
      {{3, 2, 1, 1}, {1, 2, 3, 3}, {.pad = 1}},
  };
}

CheckedFunction function_of(const DepthwiseConvolution2DOptions& options) {
  return [options](const Variables& in) {
    return depthwise_convolution_2d(in[0], in[1], in.size() > 2 ? in[2] : Variable{}, options);
  };
}

/// Checks that the arrays that `run` returns have the same bits for 1, 2, 3 and 5 threads.
void require_same_for_any_threads(const std::function<Arrays()>& run) {
  set_num_threads(1);
  const Arrays expected = run();
  for (int threads : {2, 3, 5}) {
    set_num_threads(threads);
    const Arrays results = run();
    REQUIRE(results.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(threads, i);
      CHECK(identical(results[i], expected[i]));
    }
  }
}

}  // namespace

TEST_CASE("depthwise_convolution_2d by hand", "[depthwise_convolution_2d]") {
  // One image of two channels, two kernels for each channel; the output is 2x1 for each of 4 channels.
  const Variable x{Array::from({1., 2.,  //
                                3., 4.,  //
                                5., 6.,  //

                                0., 1.,  //
                                2., 0.,  //
                                1., 3.},
                               {1, 2, 3, 2}),
                   true};
  const Variable W{Array::from({1., 0., 0., 1.,   // m = 0, c = 0
                                1., 1., 1., 1.,   // m = 0, c = 1
                                0., 2., -1., 0.,  // m = 1, c = 0
                                1., 0., 0., 0.},  // m = 1, c = 1
                               {2, 2, 2, 2}),
                   true};
  const Variable b{Array::from({10., 20., 30., 40.}, {4}), true};

  const Variable y = depthwise_convolution_2d(x, W, b);
  // Channels c*2 + m: x[0] with W[0,0], x[0] with W[1,0], x[1] with W[0,1], x[1] with W[1,1].
  CHECK(identical(y.data(), Array::from({10. + 1 + 4, 10. + 3 + 6,  //
                                         20. + 4 - 3, 20. + 8 - 5,  //
                                         30. + 3, 30. + 6,          //
                                         40. + 0, 40. + 2},
                                        {1, 4, 2, 1})));

  const Variable gy{Array::from({1., 2., 3., 4., 5., 6., 7., 8.}, {1, 4, 2, 1})};
  const Variables gradients = grad({y}, {x, W, b}, {gy});
  CHECK(identical(gradients[2].data(), Array::from({3., 7., 11., 15.}, {4})));
  // W[m,c,p,q] meets x[c, i+p, q] with gy[c*2+m, i].
  CHECK(identical(
      gradients[1].data(),
      Array::from({1. * 1 + 2 * 3, 1. * 2 + 2 * 4, 1. * 3 + 2 * 5, 1. * 4 + 2 * 6, 0. + 6 * 2, 5. * 1 + 0,
                   5. * 2 + 6 * 1, 0. + 6 * 3, 3. * 1 + 4 * 3, 3. * 2 + 4 * 4, 3. * 3 + 4 * 5, 3. * 4 + 4 * 6,
                   0. + 8 * 2, 7. * 1 + 0, 7. * 2 + 8 * 1, 0. + 8 * 3},
                  {2, 2, 2, 2})));
  CHECK(identical(gradients[0].data(), Array::from({1., 3. * 2,          //
                                                    2. - 3, 1. + 4 * 2,  //
                                                    -4., 2.,             //
                                                    5. + 7, 5.,          //
                                                    5. + 6 + 8, 5. + 6,  //
                                                    6., 6.},
                                                   {1, 2, 3, 2})));
}

TEST_CASE("the example of Chainer's documentation", "[depthwise_convolution_2d]") {
  const Variable x{Array::ones({2, 3, 4, 7}, DType::float32)};
  const Variable W{Array::ones({2, 3, 3, 3}, DType::float32)};
  const Variable y = depthwise_convolution_2d(x, W);
  CHECK(identical(y.data(), Array::full({2, 6, 2, 5}, 9, DType::float32)));
}

TEST_CASE("depthwise_convolution_2d's gradients agree with the numeric ones", "[depthwise_convolution_2d]") {
  const auto c = GENERATE(from_range(cases()));
  const bool bias = GENERATE(false, true);
  INFO(c << (bias ? " with b" : ""));
  Arrays inputs{random_values(1, c.x), random_values(2, c.W)};
  if (bias) inputs.push_back(random_values(3, {c.W[0] * c.W[1]}));

  const GradientReport first = check_backward(function_of(c.options), inputs, {.every_element = true});
  INFO(first);
  CHECK(first);
  const GradientReport second = check_double_backward(function_of(c.options), inputs);
  INFO(second);
  CHECK(second);
}

TEST_CASE("depthwise_convolution_2d's gradients for some inputs alone", "[depthwise_convolution_2d]") {
  const auto no_grads = GENERATE(std::vector<bool>{false, true, true}, std::vector<bool>{true, false, true},
                                 std::vector<bool>{true, true, false}, std::vector<bool>{false, false, true});
  const DepthwiseConvolution2DOptions options =
      GENERATE(DepthwiseConvolution2DOptions{.pad = 1}, DepthwiseConvolution2DOptions{.stride = 2});
  const Arrays inputs{random_values(1, {2, 3, 5, 6}), random_values(2, {2, 3, 3, 3}), random_values(3, {6})};
  CHECK(check_backward(function_of(options), inputs, {.no_grads = no_grads}));
  CHECK(check_double_backward(function_of(options), inputs, {.no_grads = no_grads}));
}

TEST_CASE("depthwise_convolution_2d's third derivatives", "[depthwise_convolution_2d]") {
  // On one pixel y = x * W, so L = y^3 has the derivatives of x^3 times those of W^3. Taken one by one with a
  // graph, they pass through every gradient of every one of the three functions.
  const std::string order = GENERATE("xxx", "xxW", "xWx", "xWW", "Wxx", "WxW", "WWx", "WWW");
  const Variable x{Array::full({1, 1, 1, 1}, 2, DType::float64), true};
  const Variable W{Array::full({1, 1, 1, 1}, 3, DType::float64), true};
  const Variable y = depthwise_convolution_2d(x, W);
  Variable derivative = ops::sum(y * y * y);
  const bool create_graph = GENERATE(false, true);  // in the last step: backward_arrays or backward
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool record = i + 1 < order.size() || create_graph;
    derivative = ops::sum(grad({derivative}, {order[i] == 'x' ? x : W}, {}, {.create_graph = record})[0]);
  }
  const auto cube = [&](double value, char name) {  // value^3, differentiated as often as `order` says
    double result = value * value * value;
    double power = 3;
    for (char c : order) {
      if (c == name) result *= power-- / value;
    }
    return result;
  };
  CAPTURE(order, create_graph);
  CHECK(derivative.item() == Approx(cube(2, 'x') * cube(3, 'W')));
}

TEST_CASE("depthwise gradients add up in the buffers of the leaves", "[depthwise_convolution_2d]") {
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Array x = random_values(1, {2, 3, 6, 5}, dtype), W = random_values(2, {2, 3, 3, 3}, dtype);
  const Array b = random_values(3, {6}, dtype);
  const auto run = [&](const Variables& leaves) {
    backward(ops::sum(depthwise_convolution_2d(leaves[0], leaves[1], leaves[2], {.pad = 1})));
  };
  const Variables once{Variable{x, true}, Variable{W, true}, Variable{b, true}};
  const Variables twice{Variable{x, true}, Variable{W, true}, Variable{b, true}};
  run(once);
  run(twice);
  run(twice);
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    const Array doubled = (once[i].grad() * 2.0).data();
    CHECK(allclose(twice[i].grad().data(), doubled, 8 * test::element_tolerance(dtype), 0));
    CHECK_FALSE(allclose(twice[i].grad().data(), once[i].grad().data()));
  }
  // After zero_grad the next gradient overwrites.
  for (Variable leaf : twice) leaf.zero_grad();
  run(twice);
  for (std::size_t i = 0; i < 3; ++i) CHECK(identical(twice[i].grad().data(), once[i].grad().data()));
}

TEST_CASE("depthwise results have the same bits for any number of threads", "[depthwise_convolution_2d]") {
  const test::RestoreSettings restore;
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const auto [kernel, options] = GENERATE(table<std::int64_t, DepthwiseConvolution2DOptions>(
      {{3, {.pad = 1}},
       {3, {.stride = 2, .pad = 1}},
       {3, {.stride = {2, 1}, .pad = 1, .activation = Activation::relu6}},
       {3, {.stride = 3, .dilation = 2}},
       {4, {.pad = 1}},
       {5, {.pad = 1, .activation = Activation::relu}},
       {5, {.stride = 2, .pad = 1}},
       {7, {.pad = 3, .activation = Activation::relu}}}));
  const Array x = random_values(1, {5, 23, 29, 27}, dtype),
              W = random_values(2, {2, 23, kernel, kernel}, dtype);
  const Array b = random_values(3, {46}, dtype);
  const auto run = [&, &options = options] {
    const Variable vx{x, true}, vW{W, true}, vb{b, true};
    const Variable y = depthwise_convolution_2d(vx, vW, vb, options);
    backward(std::vector{y}, std::vector{Variable{random_values(4, y.shape(), dtype)}});
    return Arrays{y.data(), vx.grad().data(), vW.grad().data(), vb.grad().data()};
  };
  require_same_for_any_threads(run);
}

TEST_CASE("a few planes in bands have the same bits for any number of threads",
          "[depthwise_convolution_2d]") {
  const test::RestoreSettings restore;
  const detail::FineGrain fine;
  set_isa(GENERATE(from_range(supported_isas())));
  const Shape image = GENERATE(Shape{1, 3, 96, 97}, Shape{1, 6, 40, 1}, Shape{2, 3, 1, 4000});
  const Array x = random_values(1, image, DType::float32);
  const std::int64_t pad_y = image[2] > 1 ? 3 : 0, pad_x = image[3] > 1 ? 3 : 0;
  const Array W = random_values(2, {2, image[1], 2 * pad_y + 1, 2 * pad_x + 1}, DType::float32);
  const auto run = [&] {
    const Variable vx{x, true}, vW{W, true};
    const Variable y = depthwise_convolution_2d(vx, vW, {}, {.pad = {pad_y, pad_x}});
    backward(std::vector{y}, std::vector{Variable{random_values(4, y.shape(), DType::float32)}});
    return Arrays{y.data(), vx.grad().data(), vW.grad().data()};
  };
  CAPTURE(to_string(active_isa()), image);
  require_same_for_any_threads(run);
}

TEST_CASE("depthwise_convolution_2d of an empty batch", "[depthwise_convolution_2d]") {
  const std::int64_t kernel = GENERATE(3, 2);
  const Variable x{Array::empty({0, 3, 5, 6}, DType::float32), true};
  const Variable W{Array::ones({2, 3, kernel, kernel}, DType::float32), true};
  const Variable b{Array::ones({6}, DType::float32), true};
  const Variable y = depthwise_convolution_2d(x, W, b, {.pad = 1});
  CHECK(y.shape() == Shape{0, 6, 8 - kernel, 9 - kernel});
  backward(ops::sum(y));
  CHECK(x.grad().shape() == x.shape());
  CHECK(identical(W.grad().data(), Array::zeros(W.shape(), DType::float32)));
  CHECK(identical(b.grad().data(), Array::zeros({6}, DType::float32)));
}

TEST_CASE("the kernel of each size, stride, instruction set and type runs, in both orders",
          "[depthwise_convolution_2d]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const auto row = GENERATE(table<std::int64_t, DepthwiseConvolution2DOptions, std::string>(
      {{3, {.pad = 1}, "k3s1"},
       {3, {.stride = 2, .pad = 1}, "k3s2"},
       {5, {.pad = 2}, "k5s1"},
       {5, {.stride = 2}, "k5s2"},
       {3, {.stride = 3, .pad = 1}, "k3"},
       {5, {.stride = 3}, "general"},
       {3, {.stride = 9, .pad = 1}, "general"},
       {3, {.pad = 3}, "general"},  // further out than the kernel
       {3, {.pad = 2, .dilation = 2}, "general"},
       {3, {.stride = {1, 2}}, "general"},
       {5, {.stride = 2, .pad = 5}, "general"},
       {7, {.pad = 3}, "general"},
       {4, {}, "general"},
       {1, {}, "general"}}));
  const std::int64_t kernel = std::get<0>(row);
  const DepthwiseConvolution2DOptions& options = std::get<1>(row);
  const std::string& variant = std::get<2>(row);
  CAPTURE(to_string(isa), to_string(dtype), kernel, variant);
  set_isa(isa);
  const Variable x{random_values(1, {1, 2, 9, 17}, dtype), true};
  const Variable W{random_values(2, {1, 2, kernel, kernel}, dtype), true};

  const auto counts_after = [&](auto run) {
    reset_kernel_counts();
    run();
    std::vector<std::string> ran;
    for (const KernelCount& count : kernel_counts()) {
      if (count.kernel.substr(0, 24) != "depthwise_convolution_2d") continue;
      CHECK(count.isa == isa);
      CHECK(count.dtype == dtype);
      ran.push_back(fmt::format("{} {}", count.kernel.substr(25), count.calls));
    }
    return ran;
  };
  const auto names = [&](int forward, int grad_w, int grad_x) {
    return std::vector{fmt::format("forward/{} {}", variant, forward),
                       fmt::format("grad_w/{} {}", variant, grad_w),
                       fmt::format("grad_x/{} {}", variant, grad_x)};
  };
  Variable y;
  CHECK(counts_after([&] { y = depthwise_convolution_2d(x, W, {}, options); }) ==
        std::vector{fmt::format("forward/{} 1", variant)});
  CHECK(counts_after([&] { backward(ops::sum(depthwise_convolution_2d(x, W, {}, options))); }) ==
        names(1, 1, 1));
  // The gradients of <gx, x> + <gW, W>: gx(gy, W) has the derivatives y and gW, gW(x, gy) has gx and y.
  Variables first;
  CHECK(counts_after([&] {
          first = grad({ops::sum(y * y)}, {x, W}, {}, {.create_graph = true});
        }) == std::vector{fmt::format("grad_w/{} 1", variant), fmt::format("grad_x/{} 1", variant)});
  CHECK(counts_after([&] { backward(ops::sum(first[0] * x) + ops::sum(first[1] * W)); }) == names(2, 2, 2));
}

TEST_CASE("depthwise_convolution_2d tells its options", "[depthwise_convolution_2d]") {
  const Variable x{Array::ones({1, 1, 7, 7}, DType::float32), true};
  const Variable W{Array::ones({1, 1, 2, 2}, DType::float32)};
  const Variable y = depthwise_convolution_2d(x, W, {}, {.stride = {1, 2}, .pad = 1, .dilation = 3});
  REQUIRE(y.creator() != nullptr);
  CHECK(y.creator()->name() == "depthwise_convolution_2d");
  CHECK(y.creator()->attributes() ==
        Attributes{{"stride", "[1, 2]"}, {"pad", "[1, 1]"}, {"dilation", "[3, 3]"}});
}

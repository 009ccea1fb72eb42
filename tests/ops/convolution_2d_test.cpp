// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d.hpp>

#include <algorithm>
#include <catch2/catch.hpp>

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
  CHECK(calls("gemm/convolution_2d", isa, dtype) == 1);
  CHECK(calls("gemm/convolution_2d_grad_w", isa, dtype) == 1);
  CHECK(calls("gemm/deconvolution_2d", isa, dtype) ==
        std::min(c.stride.y, c.image.y) * std::min(c.stride.x, c.image.x));
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

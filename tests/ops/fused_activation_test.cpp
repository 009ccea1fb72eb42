// SPDX-License-Identifier: BSD-3-Clause
// The `activation` option of convolutions and linear against the activation's own op behind them.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/ops/activation.hpp>
#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>
#include <fathom/ops/reduction.hpp>
#include <support/restore.hpp>

using namespace fathom;

namespace {

using Op = std::function<Variable(const Variables&, Activation)>;

struct Case {
  std::string name;
  Op op;
  std::vector<Shape> shapes;  // of x, W and b
};

Case convolution(const std::string& name, const Shape& x, const Shape& W, std::int64_t stride,
                 std::int64_t groups = 1) {
  const std::int64_t pad = W[2] / 2;
  return {"convolution_2d " + name,
          [=](const Variables& in, Activation activation) {
            return ops::convolution_2d(
                in[0], in[1], in[2],
                {.stride = stride, .pad = pad, .groups = groups, .activation = activation});
          },
          {x, W, {W[0]}}};
}

/// In planes that are activated several at a time, and one by one.
Case depthwise(const std::string& name, const Shape& x, std::int64_t kernel) {
  return {"depthwise_convolution_2d " + name,
          [=](const Variables& in, Activation activation) {
            return ops::depthwise_convolution_2d(in[0], in[1], in[2],
                                                 {.pad = kernel / 2, .activation = activation});
          },
          {x, {1, x[1], kernel, kernel}, {x[1]}}};
}

Case linear(const Shape& x, const Shape& W) {
  return {"linear " + to_string(x),
          [](const Variables& in, Activation activation) {
            return ops::linear(in[0], in[1], in[2], {.activation = activation});
          },
          {x, W, {W[0]}}};
}

/// Products longer than one block of depths, tiles that are written directly and by a detour, each op.
std::vector<Case> cases() {
  return {
      convolution("1x1", {2, 9, 8, 8}, {13, 9, 1, 1}, 1),
      convolution("1x1, deep", {3, 300, 5, 7}, {17, 300, 1, 1}, 1),
      convolution("3x3, groups", {2, 4, 9, 33}, {6, 2, 3, 3}, 1, 2),
      convolution("3x3, stride 2", {2, 3, 11, 10}, {8, 3, 3, 3}, 2),
      {"depthwise_convolution_2d",
       [](const Variables& in, Activation activation) {
         return ops::depthwise_convolution_2d(in[0], in[1], in[2], {.pad = 1, .activation = activation});
       },
       {{2, 5, 9, 11}, {2, 5, 3, 3}, {10}}},
      depthwise("small planes", {3, 90, 7, 7}, 3),
      depthwise("large planes", {1, 3, 66, 67}, 3),
      depthwise("general", {2, 37, 15, 13}, 7),
      linear({1, 40}, {30, 40}),
      linear({35, 300}, {7, 300}),
      linear({7, 20}, {35, 20}),
  };
}

Variable apply_plainly(Activation activation, const Variable& x) {
  if (activation == Activation::none) return x;
  return activation == Activation::relu ? ops::relu(x) : ops::relu6(x);
}

Variables inputs(const Case& c, DType dtype) {
  Variables result;
  for (std::size_t i = 0; i < c.shapes.size(); ++i) {
    result.emplace_back(uniform({17, i}, c.shapes[i], -3, 3, DType::float64).astype(dtype), true);
  }
  return result;
}

/// y and the gradients of all inputs.
Arrays outcome(const Variables& in, const Variable& y) {
  const Variable gy(uniform({17, 9}, y.shape(), -1, 1, DType::float64).astype(y.dtype()));
  Arrays result{y.data()};
  for (const Variable& gradient : grad(std::span(&y, 1), in, std::span(&gy, 1))) {
    result.push_back(gradient.data());
  }
  return result;
}

}  // namespace

TEST_CASE("a fused activation has the bits of its own op", "[activation][convolution_2d][linear]") {
  const test::RestoreSettings restore;
  const Case c = GENERATE(from_range(cases()));
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Activation activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  CAPTURE(c.name, to_string(isa), dtype, to_string(activation));
  set_isa(isa);
  const Variables in = inputs(c, dtype);
  const Arrays fused = outcome(in, c.op(in, activation));
  const Arrays plain = outcome(in, apply_plainly(activation, c.op(in, Activation::none)));
  for (std::size_t i = 0; i < fused.size(); ++i) {
    CAPTURE(i);
    CHECK(identical(fused[i], plain[i]));
  }
}

TEST_CASE("a fused activation is no pass of its own", "[activation][convolution_2d][linear]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const Case c = GENERATE(from_range(cases()));
  CAPTURE(c.name);
  const Variables in = inputs(c, DType::float32);
  reset_kernel_counts();
  static_cast<void>(c.op(in, Activation::relu6));
  for (const KernelCount& count : kernel_counts()) CHECK(count.kernel.substr(0, 4) != "relu");
}

TEST_CASE("ops with a fused activation pass the gradient checks", "[activation][convolution_2d][linear]") {
  const Activation activation = GENERATE(Activation::relu, Activation::relu6);
  const std::array<Case, 3> small{
      convolution("3x3", {1, 2, 4, 3}, {3, 2, 3, 3}, 1),
      Case{"depthwise_convolution_2d", cases()[4].op, {{1, 2, 4, 3}, {1, 2, 3, 3}, {2}}},
      linear({3, 4}, {5, 4})};
  const Case& c = GENERATE_COPY(from_range(small.begin(), small.end()));
  CAPTURE(c.name, to_string(activation));
  Arrays arrays;
  for (std::size_t i = 0; i < c.shapes.size(); ++i)
    arrays.push_back(uniform({18, i}, c.shapes[i], -2, 2, DType::float64));
  const auto function = [&](const Variables& in) { return c.op(in, activation); };
  const GradientReport first = check_backward(function, arrays);
  INFO(first);
  CHECK(first);
  const GradientReport second = check_double_backward(function, arrays);
  INFO(second);
  CHECK(second);
}

TEST_CASE("a fused activation lets NaN through and is shown in graphs",
          "[activation][convolution_2d][linear]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const Case c = GENERATE(from_range(cases()));
  const Activation activation = GENERATE(Activation::relu, Activation::relu6);
  Variables in = inputs(c, DType::float32);
  in[2] = Variable(Array::full(c.shapes[2], std::numeric_limits<double>::quiet_NaN(), DType::float32));
  const Variable y = c.op(in, activation);
  CAPTURE(c.name);
  for (std::int64_t i = 0; i < y.data().size(); ++i) REQUIRE(std::isnan(y.data().data<float>()[i]));
  const Attributes attributes = y.creator()->attributes();
  CHECK(attributes.back() == Attributes::value_type{"activation", to_string(activation)});
  CHECK(c.op(in, Activation::none).creator()->attributes().back().first != "activation");
}

TEST_CASE("a first layer's gradients do not depend on whether x's is wanted",
          "[activation][convolution_2d]") {
  const test::RestoreSettings restore;
  // Strips of whole images, of some rows with a shorter one at the end, and rows that leave lanes over.
  const std::vector<Case> layers{convolution("3x3", {3, 1, 28, 28}, {10, 1, 3, 3}, 1),
                                 convolution("3x3, stride 2", {2, 3, 19, 61}, {8, 3, 3, 3}, 2),
                                 convolution("5x5, strips", {2, 2, 130, 45}, {7, 2, 5, 5}, 1)};
  const Case c = GENERATE_COPY(from_range(layers));
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  const Activation activation = GENERATE(Activation::none, Activation::relu, Activation::relu6);
  CAPTURE(c.name, to_string(isa), dtype, to_string(activation));
  set_isa(isa);
  Variables in = inputs(c, dtype);
  const Arrays all = outcome(in, c.op(in, activation));
  in[0] = Variable(in[0].data());
  const Variable y = c.op(in, activation);
  const Variable gy(uniform({17, 9}, y.shape(), -1, 1, DType::float64).astype(dtype));
  const std::vector<Variable> wanted{in[1], in[2]};
  Arrays alone;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    reset_kernel_counts();
    Arrays found;
    for (const Variable& gradient :
         grad(std::span(&y, 1), wanted, std::span(&gy, 1), {.retain_graph = true})) {
      found.push_back(gradient.data());
    }
    std::int64_t passes = 0, products = 0;
    for (const KernelCount& count : kernel_counts()) {
      CHECK(count.isa == isa);
      if (count.kernel.substr(0, 4) == "relu") passes += count.calls;
      if (count.kernel == "convolution_2d/first_layer_grad_w") products += count.calls;
    }
    CHECK(products == 1);
    CHECK(passes == (activation == Activation::none ? 0 : 1));
    CHECK(identical(found[0], all[2]));
    // Its sums are of strips rather than of planes.
    CHECK(allclose(found[1], all[3], dtype == DType::float32 ? 1e-6 : 1e-14, 0));
    if (threads == 1) alone = found;
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(identical(found[i], alone[i]));
  }
}

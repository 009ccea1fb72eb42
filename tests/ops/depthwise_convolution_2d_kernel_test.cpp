// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <fathom/core/random.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>
#include <fathom/ops/depthwise_convolution_2d/reference.hpp>
#include <support/guarded_memory.hpp>
#include <support/tolerance.hpp>

#include "ops/depthwise_convolution_2d_kernels.hpp"

using namespace fathom;
using ops::DepthwiseConvolution2DOptions;
using ops::depthwise::Variant;
using namespace test::depthwise;
namespace reference = ops::depthwise::reference;

namespace {

bool fits(Sizes image, Sizes kernel, const DepthwiseConvolution2DOptions& o) {
  return image.y + 2 * o.pad.sides().y > (kernel.y - 1) * o.dilation.y &&
         image.x + 2 * o.pad.sides().x > (kernel.x - 1) * o.dilation.x;
}

Array absolute(const Array& a) {
  Array result = a.copy();
  double* values = result.mutable_data<double>();
  for (std::int64_t i = 0; i < a.size(); ++i) values[i] = std::abs(values[i]);
  return result;
}

/// What one pass must give, and the sum of the absolute products, which scales the rounding errors.
struct Expected {
  Array values, magnitudes;
};

/// Inputs and expected results of the three passes of one geometry.
struct Problem {
  Geometry g;
  Array x, W, b, gy;
  Expected y, gx, gW;

  Problem(const Geometry& geometry, bool bias) : g(geometry) {
    x = random_values(1, {g.images, g.channels, g.height, g.width});
    W = random_values(2, {g.multiplier, g.channels, g.kernel_y, g.kernel_x});
    if (bias) b = random_values(3, {g.out_channels()});
    gy = random_values(4, {g.images, g.out_channels(), g.out_height, g.out_width});
    const Array ax = absolute(x), aW = absolute(W), ab = bias ? absolute(b) : b, agy = absolute(gy);
    y = {reference::forward(g, x, W, b), reference::forward(g, ax, aW, ab)};
    gx = {reference::grad_x(g, gy, W), reference::grad_x(g, agy, aW)};
    gW = {reference::grad_w(g, x, gy), reference::grad_w(g, ax, agy)};
  }
};

template <class T>
void require_close(const std::string& what, const T* values, const Expected& expected, std::int64_t terms,
                   double offset = 0) {
  const double share = test::sum_tolerance(dtype_of<T>, terms);
  for (std::int64_t i = 0; i < expected.values.size(); ++i) {
    const double want = expected.values.data<double>()[i] + offset;
    const double bound = share * (expected.magnitudes.data<double>()[i] + std::abs(offset));
    if (std::abs(static_cast<double>(values[i]) - want) <= bound) continue;
    FAIL(what << " element " << i << ": " << values[i] << " instead of " << want << " +- " << bound);
  }
}

/// Runs the three passes of one kernel on guarded buffers, the later planes first: a store past the end of a
/// range would land in what is done already.
template <class T>
void check_kernel(const Passes<T>& kernel, const Problem& problem, const std::string& what, test::Side side) {
  const Geometry& g = problem.g;
  test::Guarded<T> x(problem.x, side), W(problem.W, side), gy(problem.gy, side);
  std::vector<T> bias;
  if (problem.b.defined()) {
    const double* b = problem.b.data<double>();
    for (std::int64_t c = 0; c < g.out_channels(); ++c) bias.push_back(static_cast<T>(b[c]));
  }
  constexpr T kMark = T(12345);
  const Scratch scratch(kernel.of_images, g), grad_w_scratch(kernel.of_weights, g);
  const auto in_pieces = [](std::int64_t count, auto run) {
    run(count / 2, count);
    run(std::int64_t{0}, count / 2);
  };

  test::Guarded<T> y(problem.y.values.size(), kMark, side);
  in_pieces(g.images * g.out_channels(), [&](auto begin, auto end) {
    kernel.of_images.forward(g, x.data(), W.data(), bias.empty() ? nullptr : bias.data(), y.data(), begin,
                             end, scratch.data());
  });
  require_close(what + " y", y.data(), problem.y, g.kernel_plane() + 1);
  CHECK(y.slack_untouched());

  test::Guarded<T> gx(problem.gx.values.size(), kMark, side);
  in_pieces(g.images * g.channels, [&](auto begin, auto end) {
    kernel.of_images.grad_x(g, gy.data(), W.data(), gx.data(), begin, end, scratch.data());
  });
  require_close(what + " gx", gx.data(), problem.gx, g.kernel_plane() * g.multiplier);
  CHECK(gx.slack_untouched());

  for (bool accumulate : {false, true}) {
    test::Guarded<T> gW(problem.gW.values.size(), T(2), side);
    in_pieces(g.out_channels(), [&](auto begin, auto end) {
      kernel.of_weights.grad_w(g, x.data(), gy.data(), gW.data(), accumulate, begin, end,
                               grad_w_scratch.data());
    });
    require_close(what + " gW", gW.data(), problem.gW, g.images * g.out_plane(), accumulate ? 2 : 0);
    CHECK(gW.slack_untouched());
  }
}

/// The kernel that `select` chooses and the general one, of each instruction set and type.
void check_all_kernels(const Geometry& g, bool bias) {
  const Problem problem(g, bias);
  for (Isa isa : supported_isas()) {
    for (Variant variant : {ops::depthwise::select(g), Variant::general}) {
      const std::string what =
          fmt::format("{} variant {} {}", to_string(isa), static_cast<int>(variant), text(g));
      for (const test::Side side : {test::Side::end, test::Side::start}) {
        check_kernel(passes_of<float>(isa, variant), problem, "float32 " + what, side);
        check_kernel(passes_of<double>(isa, variant), problem, "float64 " + what, side);
      }
      if (variant == Variant::general) break;
    }
  }
}

}  // namespace

TEST_CASE("depthwise kernels of every instruction set agree with the definition",
          "[depthwise_convolution_2d]") {
  const Sizes kernel = GENERATE(Sizes{1, 1}, Sizes{2, 2}, Sizes{3, 3}, Sizes{5, 5}, Sizes{3, 5}, Sizes{1, 3});
  const Pair2 stride = GENERATE(Pair2{1}, Pair2{2}, Pair2{3}, Pair2{1, 2});
  const Pair2 dilation = GENERATE(Pair2{1}, Pair2{2}, Pair2{2, 1});
  std::int64_t number = 0;
  for (Pair2 pad : {Pair2{0}, Pair2{1}, Pair2{2}, Pair2{7}, Pair2{0, 2}, Pair2{3, 1}}) {
    for (Sizes image :
         {Sizes{1, 1}, Sizes{1, 9}, Sizes{3, 3}, Sizes{5, 5}, Sizes{7, 4}, Sizes{8, 13}, Sizes{11, 17}}) {
      if (!fits(image, kernel, {stride, pad, dilation})) continue;
      const std::int64_t multiplier = 1 + number++ % 4;
      check_all_kernels(make_geometry(2, 2, multiplier, image, kernel, {stride, pad, dilation}),
                        number % 2 == 0);
    }
  }
  REQUIRE(number > 0);
}

TEST_CASE("the fast depthwise kernels are right at every width", "[depthwise_convolution_2d]") {
  const std::int64_t size = GENERATE(3, 5);
  const std::int64_t stride = GENERATE(1, 2);
  const std::int64_t pad = GENERATE(0, 1, 2, 3, 4, 5);
  std::int64_t number = 0;
  for (std::int64_t width = 1; width <= 40; ++width) {
    const Sizes image{1 + width * 5 % 12, width};
    if (!fits(image, {size, size}, {stride, pad, 1})) continue;
    const std::int64_t multiplier = 1 + number++ % 3;
    check_all_kernels(make_geometry(1, 3, multiplier, image, {size, size}, {stride, pad, 1}),
                      number % 2 == 0);
  }
  REQUIRE(number > 20);
}

TEST_CASE("the fast depthwise kernels are right for blocks of images and channels, and for wide planes",
          "[depthwise_convolution_2d]") {
  const std::int64_t size = GENERATE(3, 5);
  const std::int64_t stride = GENERATE(1, 2);
  const DepthwiseConvolution2DOptions options{.stride = stride, .pad = size / 2};
  const auto check = [&](std::int64_t images, std::int64_t channels, std::int64_t multiplier, Sizes image) {
    check_all_kernels(make_geometry(images, channels, multiplier, image, {size, size}, options), true);
  };
  for (const Sizes image : {Sizes{4, 4}, Sizes{2, 8}, Sizes{5, 3}, Sizes{3, 7}}) check(19, 3, 1, image);
  check(7, 35, 1, {4, 4});
  if (size == 3) check(3, 135, 1, {2, 2});
  check(3, 17, 2, {5, 5});
  check(2, 1, 2, {9, 75});
  check(1, 1, 1, {33, 132});
  // Strips of pairs of pixels that end with the row.
  for (const Sizes image : {Sizes{6, 48}, Sizes{5, 64}, Sizes{7, 47}}) check(2, 2, 1, image);
}

TEST_CASE("depthwise kernels of strides above 2 are right at every width", "[depthwise_convolution_2d]") {
  const std::int64_t stride = GENERATE(3, 4, 5, 7, 8);
  const Pair2 pad = GENERATE(Pair2{0}, Pair2{1}, Pair2{2}, Pair2{3, 2}, Pair2{6, 1});
  std::int64_t number = 0;
  for (std::int64_t width = 13; width <= 75; width += 2) {
    const Sizes image{1 + width * 7 % 19, width};
    if (!fits(image, {3, 3}, {stride, pad, 1})) continue;
    const std::int64_t multiplier = ++number % 4 == 0 ? 2 : 1;
    const Geometry g = make_geometry(2, 3, multiplier, image, {3, 3}, {stride, pad, 1});
    REQUIRE(ops::depthwise::select(g) == Variant::k3);
    check_all_kernels(g, number % 2 == 0);
  }
  REQUIRE(number > 20);
  // More images than are summed up at once, more channels than a block; a plane that is fetched ahead.
  check_all_kernels(make_geometry(19, 35, 1, {7, 17}, {3, 3}, {stride, pad, 1}), true);
  check_all_kernels(make_geometry(2, 2, 1, {33, 38}, {3, 3}, {stride, pad, 1}), true);
}

TEST_CASE("depthwise kernels of stride 2 are right at the sizes where their loops change",
          "[depthwise_convolution_2d]") {
  const std::int64_t size = GENERATE(3, 5);
  const std::int64_t pad = GENERATE(0, 1, 2);
  const DepthwiseConvolution2DOptions options{2, pad, 1};
  std::int64_t number = 0;
  for (std::int64_t height = 1; height <= 10; ++height) {
    for (std::int64_t width = 1; width <= 10; ++width) {
      if (!fits({height, width}, {size, size}, options)) continue;
      const std::int64_t multiplier = 1 + number++ % 2;
      check_all_kernels(make_geometry(3, 3, multiplier, {height, width}, {size, size}, options),
                        number % 3 == 0);
    }
  }
  REQUIRE(number > 20);
}

TEST_CASE("depthwise kernels of stride 1 are right in each of their ways through planes",
          "[depthwise_convolution_2d]") {
  const std::int64_t multiplier = GENERATE(1, 2, 3);
  const bool bias = multiplier != 2;
  for (std::int64_t size : {3, 5}) {
    const Pair2 pad{size / 2};
    // Planes of 4 x 4, alone and in odd numbers; planes of few rows or columns; several planes at a time,
    // with a rest.
    for (Sizes image : {Sizes{4, 4}, Sizes{2, 8}, Sizes{3, 16}, Sizes{1, 19}, Sizes{7, 7}, Sizes{14, 14},
                        Sizes{9, 20}, Sizes{13, 25}}) {
      if (!fits(image, {size, size}, {1, pad, 1})) continue;
      check_all_kernels(make_geometry(3, 5, multiplier, image, {size, size}, {1, pad, 1}), bias);
    }
    // Large planes, and planes in bands of rows.
    for (Sizes image : {Sizes{50, 49}, Sizes{37, 1100}}) {
      check_all_kernels(make_geometry(1, 2, multiplier, image, {size, size}, {1, pad, 1}), bias);
    }
  }
}

TEST_CASE("depthwise kernels of stride 1 are right for planes of few columns", "[depthwise_convolution_2d]") {
  std::int64_t number = 0;
  for (std::int64_t width = 2; width <= 17; ++width) {
    for (std::int64_t height = 1; height <= 18; ++height) {
      const std::int64_t multiplier = ++number % 5 == 0 ? 2 : 1;
      check_all_kernels(make_geometry(2, 3, multiplier, {height, width}, {3, 3}, {1, 1, 1}), number % 2 == 0);
    }
  }
  // More images than are summed up at once.
  check_all_kernels(make_geometry(19, 35, 1, {9, 10}, {3, 3}, {1, 1, 1}), true);
}

TEST_CASE("the general depthwise kernels are right in each of their ways through planes",
          "[depthwise_convolution_2d]") {
  struct Row {
    std::int64_t images, channels, multiplier;
    Sizes image, kernel;
    DepthwiseConvolution2DOptions options;
  };
  const Row row = GENERATE(
      // Blocks of planes that are full, have a rest, or are fewer than lanes and so cut into bands.
      Row{2, 16, 1, {7, 7}, {7, 7}, {.pad = 3}}, Row{3, 11, 1, {14, 14}, {7, 7}, {.pad = 3}},
      Row{1, 3, 1, {28, 30}, {7, 7}, {.pad = 3}}, Row{1, 1, 1, {57, 56}, {7, 7}, {.pad = 3}},
      Row{1, 2, 3, {41, 40}, {9, 9}, {.pad = 4}}, Row{2, 19, 2, {13, 12}, {3, 3}, {.pad = 2, .dilation = 2}},
      // Bands because planes are large, for each of the passes.
      Row{1, 1, 1, {150, 151}, {7, 7}, {.pad = 3}}, Row{1, 1, 2, {160, 149}, {3, 3}, {.stride = 3, .pad = 1}},
      Row{1, 1, 1, {131, 90}, {4, 3}, {.stride = {2, 1}, .pad = {1, 2}, .dilation = {1, 3}}},
      // Images of one column or one row, long ones too.
      Row{3, 18, 1, {37, 1}, {3, 3}, {.pad = 1}}, Row{2, 5, 1, {301, 1}, {9, 1}, {.pad = {4, 0}}},
      Row{2, 5, 2, {1, 301}, {1, 9}, {.stride = 2, .pad = {0, 4}}}, Row{1, 1, 1, {1, 9001}, {1, 5}, {}},
      Row{1, 1, 1, {9001, 1}, {5, 1}, {.stride = 3}},
      Row{1, 2, 1, {1, 40}, {3, 3}, {.pad = 2, .dilation = 2}},
      // More images than a sum of float takes.
      Row{95, 3, 1, {7, 7}, {7, 7}, {.pad = 3}}, Row{70, 2, 1, {2, 3}, {2, 2}, {.pad = 1}},
      // Strides that leave gaps, share a factor with the dilation, or exceed the image.
      Row{2, 3, 1, {23, 25}, {2, 2}, {.stride = 5}},
      Row{2, 3, 2, {29, 31}, {3, 3}, {.stride = 4, .pad = 3, .dilation = 2}},
      Row{2, 3, 1, {5, 4}, {3, 3}, {.stride = 9, .pad = 1}});
  const Geometry g =
      make_geometry(row.images, row.channels, row.multiplier, row.image, row.kernel, row.options);
  check_all_kernels(g, row.channels % 2 == 1);
}

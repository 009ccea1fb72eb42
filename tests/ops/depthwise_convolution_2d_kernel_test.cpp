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

using namespace fathom;
using ops::DepthwiseConvolution2DOptions;
using ops::depthwise::Geometry;
using ops::depthwise::Variant;
namespace reference = ops::depthwise::reference;

namespace {

struct Sizes {
  std::int64_t y, x;
};

Geometry make_geometry(std::int64_t images, std::int64_t channels, std::int64_t multiplier, Sizes image,
                       Sizes kernel, const DepthwiseConvolution2DOptions& o) {
  return {.images = images,
          .channels = channels,
          .multiplier = multiplier,
          .height = image.y,
          .width = image.x,
          .kernel_y = kernel.y,
          .kernel_x = kernel.x,
          .out_height = (image.y + 2 * o.pad.sides().y - (kernel.y - 1) * o.dilation.y - 1) / o.stride.y + 1,
          .out_width = (image.x + 2 * o.pad.sides().x - (kernel.x - 1) * o.dilation.x - 1) / o.stride.x + 1,
          .stride_y = o.stride.y,
          .stride_x = o.stride.x,
          .pad_y = o.pad.sides().y,
          .pad_x = o.pad.sides().x,
          .dilation_y = o.dilation.y,
          .dilation_x = o.dilation.x};
}

bool fits(Sizes image, Sizes kernel, const DepthwiseConvolution2DOptions& o) {
  return image.y + 2 * o.pad.sides().y > (kernel.y - 1) * o.dilation.y &&
         image.x + 2 * o.pad.sides().x > (kernel.x - 1) * o.dilation.x;
}

std::string text(const Geometry& g) {
  return fmt::format("x ({}, {}, {}, {}) W ({}, {}, {}, {}) stride ({}, {}) pad ({}, {}) dilation ({}, {})",
                     g.images, g.channels, g.height, g.width, g.multiplier, g.channels, g.kernel_y,
                     g.kernel_x, g.stride_y, g.stride_x, g.pad_y, g.pad_x, g.dilation_y, g.dilation_x);
}

/// Values that float holds exactly, so that both types share one reference in double.
Array random_values(std::uint64_t stream, const Shape& shape) {
  return uniform({7, stream}, shape, -1, 1, DType::float32).astype(DType::float64);
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

/// The three passes of one instruction set.
template <class T>
struct Passes {
  ops::depthwise::Kernel<T> of_images;
  ops::depthwise::GradWKernel<T> of_weights;
};
template <class T>
Passes<T> passes_of(Isa isa, Variant variant) {
  return detail::dispatch_isa(isa, [&]<Isa set>() -> Passes<T> {
    return {ops::depthwise::kernels<set>().template get<T>(variant),
            ops::depthwise::grad_w_kernels<set>().template get<T>(variant)};
  });
}

/// Scratch that holds NaN and ends at a page without access.
class Scratch {
 public:
  template <class K>
  Scratch(const K& kernel, const Geometry& g)
      : size_(kernel.scratch_size == nullptr ? 0 : static_cast<std::size_t>(kernel.scratch_size(g))),
        memory_(size_, test::Side::end) {
    std::memset(memory_.data(), 0xff, size_);
  }
  [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(memory_.data()); }

 private:
  std::size_t size_;
  test::GuardedMemory memory_;
};

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
  check(3, 17, 2, {5, 5});
  check(2, 1, 2, {9, 75});
  check(1, 1, 1, {33, 132});
  // Strips of pairs of pixels that end with the row.
  for (const Sizes image : {Sizes{6, 48}, Sizes{5, 64}, Sizes{7, 47}}) check(2, 2, 1, image);
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
    // Planes of 4 x 4, alone and in odd numbers; planes of few rows; several planes at a time, with a rest.
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

TEST_CASE("a NaN in a plane of few vectors of float reaches exactly the taps of depthwise's gW that see it",
          "[depthwise_convolution_2d]") {
  const Sizes image = GENERATE(Sizes{4, 4}, Sizes{3, 5}, Sizes{8, 8}, Sizes{7, 6});
  const std::int64_t stride = GENERATE(1, 2);
  const Geometry g = make_geometry(1, 1, 1, image, {3, 3}, {stride, 1, 1});
  const Array x = random_values(1, {1, 1, g.height, g.width});
  const Array gy = random_values(3, {1, 1, g.out_height, g.out_width});
  for (Isa isa : supported_isas()) {
    const auto& kernel = passes_of<float>(isa, ops::depthwise::select(g)).of_weights;
    const auto check = [&](const Array& bad_x, const Array& bad_gy) {
      test::Guarded<float> guarded_x(bad_x, test::Side::end), guarded_gy(bad_gy, test::Side::end),
          gW(9, 0.0F, test::Side::end);
      kernel.grad_w(g, guarded_x.data(), guarded_gy.data(), gW.data(), false, 0, 1, nullptr);
      const Array want = reference::grad_w(g, bad_x, bad_gy);
      const auto is_same = [](double a, float b) { return std::isnan(a) == std::isnan(b); };
      CAPTURE(to_string(isa), text(g));
      REQUIRE(std::equal(want.data<double>(), want.data<double>() + 9, gW.data(), is_same));
    };
    for (std::int64_t at = 0; at < x.size(); ++at) {
      Array bad = x.copy();
      bad.mutable_data<double>()[at] = std::numeric_limits<double>::quiet_NaN();
      check(bad, gy);
    }
    for (std::int64_t at = 0; at < gy.size(); ++at) {
      Array bad = gy.copy();
      bad.mutable_data<double>()[at] = std::numeric_limits<double>::quiet_NaN();
      check(x, bad);
    }
  }
}

namespace {

/// Puts `poison` at elements 0, step, 2 * step, ... of x and of gy, one at a time, and compares which results
/// are not finite with the definition's.
void check_poison(const Geometry& g, double poison, std::int64_t step) {
  const Array x = random_values(1, {g.images, g.channels, g.height, g.width});
  const Array W = random_values(2, {g.multiplier, g.channels, g.kernel_y, g.kernel_x});
  const Array gy = random_values(3, {g.images, g.out_channels(), g.out_height, g.out_width});
  const std::int64_t planes = g.images * g.channels, out_channels = g.out_channels();

  const auto poisoned = [&](const Array& a, std::int64_t at) {
    Array result = a.copy();
    result.mutable_data<double>()[at] = poison;
    return result;
  };
  // One assertion for all elements: there are millions of them.
  const auto require_same_class = [&](const Array& want, test::Guarded<double>& got) {
    const auto is_same = [](double a, double b) {
      return std::isnan(a) == std::isnan(b) && std::isinf(a) == std::isinf(b);
    };
    const double* end = want.data<double>() + want.size();
    const auto [a, b] = std::mismatch(want.data<double>(), end, got.data(), is_same);
    CAPTURE(a - want.data<double>());
    REQUIRE(a == end);
  };
  for (Isa isa : supported_isas()) {
    CAPTURE(to_string(isa), text(g), poison);
    const auto& kernel = passes_of<double>(isa, ops::depthwise::select(g));
    const Scratch scratch(kernel.of_images, g), grad_w_scratch(kernel.of_weights, g);
    test::Guarded<double> clean_W(W, test::Side::end), clean_gy(gy, test::Side::end),
        clean_x(x, test::Side::end), y(gy.size(), 0.0, test::Side::end), gx(x.size(), 0.0, test::Side::end),
        gW(W.size(), 0.0, test::Side::end);
    for (std::int64_t at = 0; at < x.size(); at += step) {
      CAPTURE(at);
      const Array bad = poisoned(x, at);
      test::Guarded<double> bad_x(bad, test::Side::end);
      kernel.of_images.forward(g, bad_x.data(), clean_W.data(), nullptr, y.data(), 0, planes * g.multiplier,
                               scratch.data());
      require_same_class(reference::forward(g, bad, W), y);
      kernel.of_weights.grad_w(g, bad_x.data(), clean_gy.data(), gW.data(), false, 0, out_channels,
                               grad_w_scratch.data());
      require_same_class(reference::grad_w(g, bad, gy), gW);
    }
    for (std::int64_t at = 0; at < gy.size(); at += step) {
      CAPTURE(at);
      const Array bad = poisoned(gy, at);
      test::Guarded<double> bad_gy(bad, test::Side::end);
      kernel.of_images.grad_x(g, bad_gy.data(), clean_W.data(), gx.data(), 0, planes, scratch.data());
      require_same_class(reference::grad_x(g, bad, W), gx);
      kernel.of_weights.grad_w(g, clean_x.data(), bad_gy.data(), gW.data(), false, 0, out_channels,
                               grad_w_scratch.data());
      require_same_class(reference::grad_w(g, x, bad), gW);
    }
  }
}

}  // namespace

TEST_CASE("a NaN or infinity in depthwise inputs reaches exactly the windows that see it",
          "[depthwise_convolution_2d]") {
  const std::int64_t size = GENERATE(3, 5, 4);
  const std::int64_t stride = GENERATE(1, 2);
  const std::int64_t pad = GENERATE(0, 1, 2);
  const double poison =
      GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  check_poison(make_geometry(1, 1, 1, {9, 11}, {size, size}, {stride, pad, 1}), poison, 1);
}

TEST_CASE("a NaN or infinity reaches exactly the windows that see it, in bands and blocks of planes",
          "[depthwise_convolution_2d]") {
  const double poison =
      GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  // Sums in several bands of rows; of several images, of which some lanes have one less.
  check_poison(make_geometry(1, 1, 1, {71, 43}, {4, 3}, {1, {2, 1}, 1}), poison, 211);
  check_poison(make_geometry(1, 2, 1, {90, 60}, {3, 3}, {{3, 1}, 1, 2}), poison, 601);
  check_poison(make_geometry(5, 3, 2, {31, 33}, {3, 2}, {1, 1, {1, 2}}), poison, 1009);
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

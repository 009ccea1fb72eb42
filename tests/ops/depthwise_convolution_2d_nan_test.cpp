// SPDX-License-Identifier: BSD-3-Clause
// Where a NaN or an infinity may reach.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fathom/ops/depthwise_convolution_2d/reference.hpp>
#include <support/guarded_memory.hpp>

#include "ops/depthwise_convolution_2d_kernels.hpp"

using namespace fathom;
using namespace test::depthwise;
namespace reference = ops::depthwise::reference;

TEST_CASE("a NaN in a plane of few vectors of float reaches exactly the taps of depthwise's gW that see it",
          "[depthwise_convolution_2d]") {
  const Sizes image =
      GENERATE(Sizes{4, 4}, Sizes{3, 5}, Sizes{8, 8}, Sizes{7, 6}, Sizes{9, 9}, Sizes{4, 16}, Sizes{17, 3});
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

/// In type T: puts `poison` at elements 0, step, 2 * step, ... of x and of gy, one at a time, and compares
/// which results are not finite with the definition's.
template <class T = double>
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
  const auto require_same_class = [&](const Array& want, test::Guarded<T>& got) {
    const auto is_same = [](double a, T b) {
      return std::isnan(a) == std::isnan(b) && std::isinf(a) == std::isinf(b);
    };
    const double* end = want.data<double>() + want.size();
    const auto [a, b] = std::mismatch(want.data<double>(), end, got.data(), is_same);
    CAPTURE(a - want.data<double>());
    REQUIRE(a == end);
  };
  for (Isa isa : supported_isas()) {
    CAPTURE(to_string(isa), text(g), poison);
    const auto& kernel = passes_of<T>(isa, ops::depthwise::select(g));
    const Scratch scratch(kernel.of_images, g), grad_w_scratch(kernel.of_weights, g);
    test::Guarded<T> clean_W(W, test::Side::end), clean_gy(gy, test::Side::end), clean_x(x, test::Side::end),
        y(gy.size(), T(0), test::Side::end), gx(x.size(), T(0), test::Side::end),
        gW(W.size(), T(0), test::Side::end);
    for (std::int64_t at = 0; at < x.size(); at += step) {
      CAPTURE(at);
      const Array bad = poisoned(x, at);
      test::Guarded<T> bad_x(bad, test::Side::end);
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
      test::Guarded<T> bad_gy(bad, test::Side::end);
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

TEST_CASE("a NaN or infinity in float reaches exactly the windows that see it",
          "[depthwise_convolution_2d]") {
  const double poison =
      GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  // Planes of few columns, one row after another or several planes in vectors.
  for (const Sizes image :
       {Sizes{2, 2}, Sizes{4, 4}, Sizes{9, 9}, Sizes{5, 5}, Sizes{3, 16}, Sizes{13, 10}}) {
    check_poison<float>(make_geometry(2, 2, 1, image, {3, 3}, {1, 1, 1}), poison, 1);
  }
  for (const std::int64_t size : {3, 5}) {
    for (const std::int64_t stride : {3, 4, 7}) {
      for (const std::int64_t pad : {0, 1, 2})
        check_poison<float>(make_geometry(1, 2, 1, {11, 23}, {size, size}, {stride, pad, 1}), poison, 3);
    }
  }
}

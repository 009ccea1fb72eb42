// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include <fathom/ops/pooling_2d.hpp>

#include "benchmarks/ops/inputs.hpp"
#include "benchmarks/ops/problem.hpp"
#include "support/tolerance.hpp"

namespace fathom::benchmarks {
namespace {

/// Windows over one plane; global pooling has one window, the plane.
struct Sizes {
  std::int64_t h, w, ky, kx, stride_y, stride_x, pad;
  std::int64_t ho = 1, wo = 1;
  bool is_max;

  [[nodiscard]] double window() const { return static_cast<double>(ky * kx); }
};

Sizes sizes_of(const OpSettings& settings) {
  const std::int64_t h = settings.shape[2], w = settings.shape[3];
  if (settings.op == "global_average_pooling_2d") {
    return {.h = h, .w = w, .ky = h, .kx = w, .stride_y = h, .stride_x = w, .pad = 0, .is_max = false};
  }
  const std::int64_t k = settings.kernel.value_or(2), stride = settings.stride.value_or(k);
  return {.h = h,
          .w = w,
          .ky = k,
          .kx = k,
          .stride_y = stride,
          .stride_x = stride,
          .pad = settings.pad.value_or(0),
          .is_max = settings.op == "max_pooling_2d"};
}

Variable apply(const OpSettings& settings, const Sizes& s, const Variable& x) {
  if (settings.op == "global_average_pooling_2d") return ops::global_average_pooling_2d(x);
  const Pair2 kernel{s.ky, s.kx}, stride{s.stride_y, s.stride_x};
  if (s.is_max) {
    return ops::max_pooling_2d(
        x, {.kernel = kernel, .stride = stride, .pad = s.pad, .cover_all = settings.cover_all});
  }
  return ops::average_pooling_2d(x, {.kernel = kernel, .stride = stride, .pad = s.pad});
}

/// The definition in double.
struct Reference {
  Sizes s;
  DType dtype;
  std::vector<double> x, gy;

  /// Calls f(index of a pixel) for those of window (i, j) that lie in the image.
  template <class F>
  void of_window(std::int64_t plane, std::int64_t i, std::int64_t j, F&& f) const {
    for (std::int64_t y = std::max<std::int64_t>(0, i * s.stride_y - s.pad);
         y < std::min(s.h, i * s.stride_y - s.pad + s.ky); ++y) {
      for (std::int64_t column = std::max<std::int64_t>(0, j * s.stride_x - s.pad);
           column < std::min(s.w, j * s.stride_x - s.pad + s.kx); ++column) {
        f(static_cast<std::size_t>((plane * s.h + y) * s.w + column));
      }
    }
  }
  [[nodiscard]] std::size_t first_largest(std::int64_t plane, std::int64_t i, std::int64_t j) const {
    std::size_t best = x.size();
    of_window(plane, i, j, [&](std::size_t p) { best = best == x.size() || x[p] > x[best] ? p : best; });
    return best;
  }

  [[nodiscard]] Expected y(std::int64_t index) const {
    const std::int64_t plane = index / (s.ho * s.wo), i = index / s.wo % s.ho, j = index % s.wo;
    if (s.is_max) {
      const std::size_t largest = first_largest(plane, i, j);
      return {largest == x.size() ? -HUGE_VAL : x[largest], 0};  // a window may lie outside altogether
    }
    double sum = 0, magnitude = 0;
    of_window(plane, i, j, [&](std::size_t p) {
      sum += x[p];
      magnitude += std::abs(x[p]);
    });
    return {sum / s.window(), tolerance() * magnitude / s.window()};
  }

  [[nodiscard]] Expected gx(std::int64_t index) const {
    const std::int64_t plane = index / (s.h * s.w), y = index / s.w % s.h, column = index % s.w;
    double sum = 0, magnitude = 0;
    for (std::int64_t i = 0; i < s.ho; ++i) {
      const std::int64_t top = i * s.stride_y - s.pad;
      if (y < top || y >= top + s.ky) continue;
      for (std::int64_t j = 0; j < s.wo; ++j) {
        const std::int64_t left = j * s.stride_x - s.pad;
        if (column < left || column >= left + s.kx) continue;
        if (s.is_max && first_largest(plane, i, j) != static_cast<std::size_t>(index)) continue;
        const double g = gy[static_cast<std::size_t>((plane * s.ho + i) * s.wo + j)];
        sum += s.is_max ? g : g / s.window();
        magnitude += std::abs(s.is_max ? g : g / s.window());
      }
    }
    return {sum, tolerance() * magnitude};
  }

  [[nodiscard]] double tolerance() const { return test::sum_tolerance(dtype, s.ky * s.kx); }
};

}  // namespace

OpProblem make_pooling_problem(const OpSettings& settings) {
  Sizes s = sizes_of(settings);
  const Variable x = make_input(settings, normal_input(settings, settings.shape, 0), Pass::backward_x);
  OpProblem problem;
  problem.apply = [=] { return apply(settings, s, x); };
  const Shape y = problem.apply().shape();
  if (y.rank() == 4) {
    s.ho = y[2];
    s.wo = y[3];
  }
  problem.gy = Variable(normal_input(settings, y, 3));
  problem.flops = settings.pass == Pass::forward || !s.is_max ? static_cast<double>(y.size()) * s.window()
                                                              : static_cast<double>(y.size());
  problem.bytes = byte_sum(x.data(), problem.gy.data());
  if (settings.pass == Pass::backward_x) problem.inputs = {x};
  problem.terms = s.ky * s.kx;
  problem.expect = [=, gy = problem.gy]() -> Expectation {
    auto reference = std::make_shared<const Reference>(
        Reference{s, settings.dtype, doubles(x.data()), doubles(gy.data())});
    return [reference, pass = settings.pass](std::size_t, std::int64_t index) {
      return pass == Pass::forward ? reference->y(index) : reference->gx(index);
    };
  };
  return problem;
}

}  // namespace fathom::benchmarks

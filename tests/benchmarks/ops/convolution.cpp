// SPDX-License-Identifier: BSD-3-Clause
#include <cmath>
#include <memory>
#include <utility>

#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/linear.hpp>

#include "benchmarks/ops/inputs.hpp"
#include "benchmarks/ops/problem.hpp"
#include "support/tolerance.hpp"

namespace fathom::benchmarks {
namespace {

/// Sizes of a convolution; linear is one over images of a single pixel.
struct Sizes {
  std::int64_t n, c, h, w, out, k, stride, pad, dilation, groups;
  std::int64_t ho = 1, wo = 1;
  bool depthwise;  ///< weights (multiplier, c, k, k) instead of (out, c / groups, k, k)

  [[nodiscard]] std::int64_t group_in() const { return c / groups; }
  [[nodiscard]] std::int64_t group_out() const { return out / groups; }
};

/// Calls f(x's, W's and y's index) for every product that touches an element of one of them.
class Products {
 public:
  explicit Products(const Sizes& sizes) : s_(sizes) {}

  template <class F>
  void of_y(std::int64_t index, F&& f) const {
    const auto [n, o, i, j] = split(index, s_.out, s_.ho, s_.wo);
    for (std::int64_t c = 0; c < s_.group_in(); ++c) taps(n, o, c, i, j, f);
  }

  template <class F>
  void of_x(std::int64_t index, F&& f) const {
    const auto [n, channel, y, x] = split(index, s_.c, s_.h, s_.w);
    const std::int64_t first = channel / s_.group_in() * s_.group_out();
    for (std::int64_t o = first; o < first + s_.group_out(); ++o) {
      for (std::int64_t p = 0; p < s_.k; ++p) {
        for (std::int64_t q = 0; q < s_.k; ++q) {
          const std::int64_t top = y + s_.pad - p * s_.dilation, left = x + s_.pad - q * s_.dilation;
          if (top < 0 || left < 0 || top % s_.stride != 0 || left % s_.stride != 0) continue;
          const std::int64_t i = top / s_.stride, j = left / s_.stride;
          if (i < s_.ho && j < s_.wo)
            f(index, w_index(o, channel % s_.group_in(), p, q), y_index(n, o, i, j));
        }
      }
    }
  }

  template <class F>
  void of_w(std::int64_t index, F&& f) const {
    const auto [first, second, p, q] = split(index, s_.depthwise ? s_.c : s_.group_in(), s_.k, s_.k);
    const std::int64_t o = s_.depthwise ? second * s_.group_out() + first : first;
    const std::int64_t c = s_.depthwise ? 0 : second;
    for (std::int64_t n = 0; n < s_.n; ++n) {
      for (std::int64_t i = 0; i < s_.ho; ++i) {
        for (std::int64_t j = 0; j < s_.wo; ++j) tap(n, o, c, i, j, p, q, f);
      }
    }
  }

 private:
  static std::array<std::int64_t, 4> split(std::int64_t index, std::int64_t b, std::int64_t c,
                                           std::int64_t d) {
    return {index / (b * c * d), index / (c * d) % b, index / d % c, index % d};
  }
  [[nodiscard]] std::int64_t w_index(std::int64_t o, std::int64_t c, std::int64_t p, std::int64_t q) const {
    const std::int64_t row =
        s_.depthwise ? o % s_.group_out() * s_.c + o / s_.group_out() : o * s_.group_in() + c;
    return (row * s_.k + p) * s_.k + q;
  }
  [[nodiscard]] std::int64_t y_index(std::int64_t n, std::int64_t o, std::int64_t i, std::int64_t j) const {
    return ((n * s_.out + o) * s_.ho + i) * s_.wo + j;
  }
  template <class F>
  void taps(std::int64_t n, std::int64_t o, std::int64_t c, std::int64_t i, std::int64_t j, F& f) const {
    for (std::int64_t p = 0; p < s_.k; ++p) {
      for (std::int64_t q = 0; q < s_.k; ++q) tap(n, o, c, i, j, p, q, f);
    }
  }
  template <class F>
  void tap(std::int64_t n, std::int64_t o, std::int64_t c, std::int64_t i, std::int64_t j, std::int64_t p,
           std::int64_t q, F& f) const {
    const std::int64_t y = i * s_.stride + p * s_.dilation - s_.pad;
    const std::int64_t x = j * s_.stride + q * s_.dilation - s_.pad;
    if (y < 0 || y >= s_.h || x < 0 || x >= s_.w) return;
    const std::int64_t channel = o / s_.group_out() * s_.group_in() + c;
    f(((n * s_.c + channel) * s_.h + y) * s_.w + x, w_index(o, c, p, q), y_index(n, o, i, j));
  }

  Sizes s_;
};

Sizes sizes_of(const OpSettings& settings) {
  const std::int64_t c = settings.shape[1], k = settings.kernel.value_or(3);
  Sizes s{.n = settings.shape[0],
          .c = c,
          .h = settings.shape[2],
          .w = settings.shape[3],
          .out = settings.out_channels.value_or(c),
          .k = k,
          .stride = settings.stride.value_or(1),
          .pad = settings.pad.value_or(settings.dilation * (k - 1) / 2),
          .dilation = settings.dilation,
          .groups = settings.groups,
          .depthwise = settings.op == "depthwise_convolution_2d"};
  if (s.depthwise) {
    s.out = c * settings.multiplier;
    s.groups = c;
  }
  if (settings.op == "linear") {
    s.c *= s.h * s.w;
    s.out = settings.out_channels.value_or(s.c);
    s.h = s.w = s.k = 1;
    s.pad = 0;
  }
  return s;
}

Variable apply(const OpSettings& settings, const Sizes& s, const Variable& x, const Variable& W,
               const Variable& b) {
  if (settings.op == "linear") return ops::linear(x, W, b);
  if (s.depthwise) {
    return ops::depthwise_convolution_2d(x, W, b, {.stride = s.stride, .pad = s.pad, .dilation = s.dilation});
  }
  return ops::convolution_2d(x, W, b,
                             {.stride = s.stride, .pad = s.pad, .dilation = s.dilation, .groups = s.groups});
}

Shape weight_shape(const OpSettings& settings, const Sizes& s) {
  if (settings.op == "linear") return {s.out, s.c};
  return s.depthwise ? Shape{settings.multiplier, s.c, s.k, s.k} : Shape{s.out, s.group_in(), s.k, s.k};
}

struct Values {
  std::vector<double> x, W, b, gy;
};

/// A sum of products and what it may be off by.
class Sum {
 public:
  void add(double a, double b) {
    value_ += a * b;
    magnitude_ += std::abs(a * b);
    ++terms_;
  }
  [[nodiscard]] Expected expected(DType dtype) const {
    return {value_, test::sum_tolerance(dtype, terms_) * magnitude_};
  }

 private:
  double value_ = 0, magnitude_ = 0;
  std::int64_t terms_ = 0;
};

Expected expect(const OpSettings& settings, const Sizes& s, const Values& v, std::int64_t index) {
  const auto at = [](const std::vector<double>& values, std::int64_t i) {
    return values[static_cast<std::size_t>(i)];
  };
  const Products products(s);
  Sum sum;
  switch (settings.pass) {
    case Pass::forward:
      products.of_y(index, [&](auto x, auto w, auto) { sum.add(at(v.x, x), at(v.W, w)); });
      if (!v.b.empty()) sum.add(at(v.b, index / (s.ho * s.wo) % s.out), 1);
      break;
    case Pass::backward_x:
      products.of_x(index, [&](auto, auto w, auto y) { sum.add(at(v.gy, y), at(v.W, w)); });
      break;
    case Pass::backward_w:
      products.of_w(index, [&](auto x, auto, auto y) { sum.add(at(v.gy, y), at(v.x, x)); });
      break;
  }
  return sum.expected(settings.dtype);
}

}  // namespace

OpProblem make_convolution_problem(const OpSettings& settings) {
  Sizes s = sizes_of(settings);
  const Variable x = make_input(settings, normal_input(settings, settings.shape, 0), Pass::backward_x);
  const Variable W =
      make_input(settings, normal_input(settings, weight_shape(settings, s), 1), Pass::backward_w);
  Variable b;
  if (settings.bias) b = Variable(normal_input(settings, {s.out}, 2), settings.pass == Pass::forward);

  OpProblem problem;
  problem.apply = [=] { return apply(settings, s, x, W, b); };
  const Shape y = problem.apply().shape();
  if (y.rank() == 4) {
    s.ho = y[2];
    s.wo = y[3];
  }
  problem.gy = Variable(normal_input(settings, y, 3));
  problem.flops = 2.0 * static_cast<double>(y.size() * s.group_in() * s.k * s.k);
  problem.bytes = byte_sum(x.data(), W.data(), problem.gy.data());
  if (settings.pass == Pass::backward_x) problem.inputs = {x};
  if (settings.pass == Pass::backward_w) problem.inputs = {W};
  problem.terms = settings.pass == Pass::backward_w ? s.n * s.ho * s.wo
                                                    : std::max(s.group_in(), s.group_out()) * s.k * s.k;
  problem.expect = [=, gy = problem.gy]() -> Expectation {
    auto values = std::make_shared<const Values>(
        Values{doubles(x.data()), doubles(W.data()), b.defined() ? doubles(b.data()) : std::vector<double>{},
               doubles(gy.data())});
    return [=](std::size_t, std::int64_t index) { return expect(settings, s, *values, index); };
  };
  return problem;
}

}  // namespace fathom::benchmarks

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/kernel.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <fathom/core/random.hpp>
#include <support/guarded_memory.hpp>
#include <support/tolerance.hpp>

using namespace fathom;
namespace batch_norm = ops::batch_norm;
using batch_norm::Block;
using batch_norm::Geometry;

namespace {

template <class T>
const batch_norm::Kernels<T>& kernels_of(Isa isa) {
  const batch_norm::KernelTable& table = detail::dispatch_isa(
      isa, []<Isa set>() -> const batch_norm::KernelTable& { return batch_norm::kernels<set>(); });
  if constexpr (std::is_same_v<T, float>) {
    return table.float32;
  } else {
    return table.float64;
  }
}

/// Results of an activation, many at its kinks.
Array results(const Shape& shape) {
  Array y = uniform({1, 5}, shape, -3, 9, DType::float32).astype(DType::float64);
  double* values = y.mutable_data<double>();
  for (std::int64_t i = 0; i < y.size(); ++i) values[i] = std::clamp(values[i], 0.0, 6.0);
  return y;
}

/// gy where the result lets it through, else 0.
double through(Activation activation, double gy, double y) {
  const bool passes = activation == Activation::none || (y > 0 && (activation == Activation::relu || y < 6));
  return passes ? gy : 0;
}

double activate(Activation activation, double value) {
  if (activation == Activation::none) return value;
  return activation == Activation::relu ? std::max(value, 0.0) : std::clamp(value, 0.0, 6.0);
}

/// Sums of one channel, all in double.
struct Sums {
  double mean = 0, squares = 0, g = 0, g_x = 0;
};

Sums reference(const Geometry& g, std::int64_t channel, const Array& x, const Array& gradients,
               double center) {
  Sums sums;
  const auto each = [&](auto f) {
    for (std::int64_t o = 0; o < g.outer; ++o) {
      for (std::int64_t i = 0; i < g.inner; ++i) {
        const std::int64_t at = (o * g.channels + channel) * g.inner + i;
        f(x.data<double>()[at], gradients.data<double>()[at]);
      }
    }
  };
  each([&](double value, double) { sums.mean += value / static_cast<double>(g.averaged()); });
  each([&](double value, double gradient) {
    sums.squares += (value - sums.mean) * (value - sums.mean);
    sums.g += gradient;
    sums.g_x += gradient * (value - center);
  });
  return sums;
}

/// Runs the kernels of one instruction set beside pages without access.
template <class T>
void check_kernels(Isa isa, const Geometry& g, Activation activation, test::Side side) {
  const batch_norm::Kernels<T>& all = kernels_of<T>(isa);
  const batch_norm::ActivationKernels<T>& kernels = all.of(activation);
  const Shape shape{g.outer, g.channels, g.inner};
  const Array values = uniform({1, 0}, shape, -1, 1, DType::float32).astype(DType::float64);
  const Array gradients = uniform({1, 1}, shape, -1, 1, DType::float32).astype(DType::float64);
  const Array centers = uniform({1, 2}, {g.channels}, -1, 1, DType::float32).astype(DType::float64);
  const Array ys = results(shape);
  Array seen = gradients.copy();
  for (std::int64_t i = 0; i < seen.size(); ++i) {
    seen.mutable_data<double>()[i] = through(activation, gradients.data<double>()[i], ys.data<double>()[i]);
  }
  test::Guarded<T> x(values, side), gy(gradients, side), y(ys, side), center(centers, side);
  const auto moments = g.inner == 1 ? all.column_moments : all.row_moments;
  const auto gradient_sums = g.inner == 1 ? kernels.column_gradient_sums : kernels.row_gradient_sums;
  const std::int64_t width = g.inner == 1 ? g.channels : 1;
  const double tolerance =
      4 * static_cast<double>(g.averaged()) * test::sum_tolerance(dtype_of<T>, g.averaged());
  for (std::int64_t first = 0; first < g.channels; first += width) {
    const Block block{0, g.outer, first, first + width};
    test::Guarded<double> mean(width, -7, side), squares(width, -7, side), sum_g(width, -7, side),
        sum_g_x(width, -7, side);
    moments(g, block, x.data(), mean.data(), squares.data());
    gradient_sums(g, block, x.data(), gy.data(), y.data(), center.data(), sum_g.data(), sum_g_x.data());
    for (std::int64_t c = 0; c < width; ++c) {
      const Sums wanted = reference(g, first + c, values, seen, centers.data<double>()[first + c]);
      CHECK(std::abs(mean.data()[c] - wanted.mean) <= tolerance / static_cast<double>(g.averaged()));
      CHECK(std::abs(squares.data()[c] - wanted.squares) <= tolerance);
      CHECK(std::abs(sum_g.data()[c] - wanted.g) <= tolerance);
      CHECK(std::abs(sum_g_x.data()[c] - wanted.g_x) <= 2 * tolerance);
    }
    CHECK((mean.slack_untouched() && squares.slack_untouched() && sum_g.slack_untouched() &&
           sum_g_x.slack_untouched()));
  }
}

/// y, gx and g of one run, each coefficient its own or the first for all, with a residual and without.
template <class T>
void check_runs(Isa isa, std::int64_t count, bool own, Activation activation, test::Side side) {
  const batch_norm::ActivationKernels<T>& kernels = kernels_of<T>(isa).of(activation);
  const auto normalize = own ? kernels.normalize_columns : kernels.normalize_row;
  const auto gradient = own ? kernels.gradient_columns : kernels.gradient_row;
  Array arrays[7];
  for (std::uint64_t i = 0; i < 7; ++i) {
    const double width = i == 6 ? 8 : 1;  // the residual reaches beyond both kinks
    arrays[i] = uniform({2, i}, {count}, -width, width, DType::float32).astype(DType::float64);
  }
  const Array ys = results({count});
  test::Guarded<T> x(arrays[0], side), gy(arrays[1], side), m(arrays[2], side), a(arrays[3], side),
      k(arrays[4], side), b(arrays[5], side), r(arrays[6], side), y(ys, side);
  test::Guarded<T> plain(count, T(9), side), added(count, T(9), side), gx(count, T(9), side),
      g(count, T(9), side);
  normalize(count, x.data(), nullptr, m.data(), a.data(), b.data(), plain.data());
  normalize(count, x.data(), r.data(), m.data(), a.data(), b.data(), added.data());
  for (const bool accumulate : {false, true}) {
    gradient(count, x.data(), gy.data(), y.data(), m.data(), a.data(), k.data(), b.data(), accumulate,
             gx.data());
  }
  kernels.through_activation(count, gy.data(), y.data(), g.data());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto coefficient = [&](std::size_t which) { return arrays[which].data<double>()[own ? i : 0]; };
    const double deviation = arrays[0].data<double>()[i] - coefficient(2);
    const double value = deviation * coefficient(3) + coefficient(5);
    const double wanted_g = through(activation, arrays[1].data<double>()[i], ys.data<double>()[i]);
    const double wanted_gx = 2 * (wanted_g - coefficient(5) - deviation * coefficient(4)) * coefficient(3);
    const double tolerance = test::element_tolerance(dtype_of<T>);
    CHECK(std::abs(plain.data()[i] - activate(activation, value)) <= 4 * tolerance);
    CHECK(std::abs(added.data()[i] - activate(activation, value + arrays[6].data<double>()[i])) <=
          8 * tolerance);
    CHECK(std::abs(gx.data()[i] - wanted_gx) <= 8 * tolerance);
    CHECK(g.data()[i] == static_cast<T>(wanted_g));
  }
  CHECK((plain.slack_untouched() && added.slack_untouched() && gx.slack_untouched() && g.slack_untouched()));
}

}  // namespace

TEMPLATE_TEST_CASE("batch normalization's kernels of every instruction set agree with the definition",
                   "[batch_normalization]", float, double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  for (std::int64_t size = 1; size <= 150; size += size < 40 ? 1 : 7) {
    CAPTURE(to_string(isa), size);
    for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
      CAPTURE(to_string(activation));
      check_kernels<TestType>(isa, {3, 2, size}, activation, side);  // size 1: the channels lie innermost
      check_kernels<TestType>(isa, {5, size, 1}, activation, side);
      check_runs<TestType>(isa, size, true, activation, side);
      check_runs<TestType>(isa, size, false, activation, side);
    }
  }
}

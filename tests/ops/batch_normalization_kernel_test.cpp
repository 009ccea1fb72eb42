// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/kernel.hpp>

#include <catch2/catch.hpp>

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

/// Sums of one channel, all in double.
struct Sums {
  double mean = 0, squares = 0, gy = 0, gy_x = 0;
};

Sums reference(const Geometry& g, std::int64_t channel, const Array& x, const Array& gy, double center) {
  Sums sums;
  const auto each = [&](auto f) {
    for (std::int64_t o = 0; o < g.outer; ++o) {
      for (std::int64_t i = 0; i < g.inner; ++i) {
        const std::int64_t at = (o * g.channels + channel) * g.inner + i;
        f(x.data<double>()[at], gy.data<double>()[at]);
      }
    }
  };
  each([&](double value, double) { sums.mean += value / static_cast<double>(g.averaged()); });
  each([&](double value, double gradient) {
    sums.squares += (value - sums.mean) * (value - sums.mean);
    sums.gy += gradient;
    sums.gy_x += gradient * (value - center);
  });
  return sums;
}

/// Runs the kernels of one instruction set beside pages without access.
template <class T>
void check_kernels(Isa isa, const Geometry& g, test::Side side) {
  const batch_norm::Kernels<T>& kernels = kernels_of<T>(isa);
  const Shape shape{g.outer, g.channels, g.inner};
  const Array values = uniform({1, 0}, shape, -1, 1, DType::float32).astype(DType::float64);
  const Array gradients = uniform({1, 1}, shape, -1, 1, DType::float32).astype(DType::float64);
  const Array centers = uniform({1, 2}, {g.channels}, -1, 1, DType::float32).astype(DType::float64);
  test::Guarded<T> x(values, side), gy(gradients, side), center(centers, side);
  const auto moments = g.inner == 1 ? kernels.column_moments : kernels.row_moments;
  const auto gradient_sums = g.inner == 1 ? kernels.column_gradient_sums : kernels.row_gradient_sums;
  const std::int64_t width = g.inner == 1 ? g.channels : 1;
  const double tolerance =
      4 * static_cast<double>(g.averaged()) * test::sum_tolerance(dtype_of<T>, g.averaged());
  for (std::int64_t first = 0; first < g.channels; first += width) {
    const Block block{0, g.outer, first, first + width};
    test::Guarded<double> mean(width, -7, side), squares(width, -7, side), sum_gy(width, -7, side),
        sum_gy_x(width, -7, side);
    moments(g, block, x.data(), mean.data(), squares.data());
    gradient_sums(g, block, x.data(), gy.data(), center.data(), sum_gy.data(), sum_gy_x.data());
    for (std::int64_t c = 0; c < width; ++c) {
      const Sums wanted = reference(g, first + c, values, gradients, centers.data<double>()[first + c]);
      CHECK(std::abs(mean.data()[c] - wanted.mean) <= tolerance / static_cast<double>(g.averaged()));
      CHECK(std::abs(squares.data()[c] - wanted.squares) <= tolerance);
      CHECK(std::abs(sum_gy.data()[c] - wanted.gy) <= tolerance);
      CHECK(std::abs(sum_gy_x.data()[c] - wanted.gy_x) <= 2 * tolerance);
    }
    CHECK((mean.slack_untouched() && squares.slack_untouched() && sum_gy.slack_untouched() &&
           sum_gy_x.slack_untouched()));
  }
}

/// y and gx of one run, each coefficient its own or the first for all.
template <class T>
void check_runs(Isa isa, std::int64_t count, bool own, test::Side side) {
  const batch_norm::Kernels<T>& kernels = kernels_of<T>(isa);
  const auto normalize = own ? kernels.normalize_columns : kernels.normalize_row;
  const auto gradient = own ? kernels.gradient_columns : kernels.gradient_row;
  Array arrays[6];
  for (std::uint64_t i = 0; i < 6; ++i) {
    arrays[i] = uniform({2, i}, {count}, -1, 1, DType::float32).astype(DType::float64);
  }
  test::Guarded<T> x(arrays[0], side), gy(arrays[1], side), m(arrays[2], side), a(arrays[3], side),
      k(arrays[4], side), b(arrays[5], side);
  test::Guarded<T> y(count, T(9), side), gx(count, T(9), side);
  normalize(count, x.data(), m.data(), a.data(), b.data(), y.data());
  gradient(count, x.data(), gy.data(), m.data(), a.data(), k.data(), b.data(), false, gx.data());
  gradient(count, x.data(), gy.data(), m.data(), a.data(), k.data(), b.data(), true, gx.data());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto coefficient = [&](std::size_t which) { return arrays[which].data<double>()[own ? i : 0]; };
    const double deviation = arrays[0].data<double>()[i] - coefficient(2);
    const double wanted_y = deviation * coefficient(3) + coefficient(5);
    const double wanted_gx =
        2 * (arrays[1].data<double>()[i] - coefficient(5) - deviation * coefficient(4)) * coefficient(3);
    CHECK(std::abs(y.data()[i] - wanted_y) <= 4 * test::element_tolerance(dtype_of<T>));
    CHECK(std::abs(gx.data()[i] - wanted_gx) <= 8 * test::element_tolerance(dtype_of<T>));
  }
  CHECK((y.slack_untouched() && gx.slack_untouched()));
}

}  // namespace

TEMPLATE_TEST_CASE("batch normalization's kernels of every instruction set agree with the definition",
                   "[batch_normalization]", float, double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  for (std::int64_t size = 1; size <= 150; size += size < 40 ? 1 : 7) {
    CAPTURE(to_string(isa), size);
    check_kernels<TestType>(isa, {3, 2, size}, side);  // size 1: the channels lie innermost
    check_kernels<TestType>(isa, {5, size, 1}, side);
    check_runs<TestType>(isa, size, true, side);
    check_runs<TestType>(isa, size, false, side);
  }
}

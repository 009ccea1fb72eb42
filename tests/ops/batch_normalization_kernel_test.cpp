// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/kernel.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

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

/// gy where `decider`, the activation's result or what it is applied to, lets it through, else 0.
double through(Activation activation, double gy, double decider) {
  const bool passes =
      activation == Activation::none || (decider > 0 && (activation == Activation::relu || decider < 6));
  return passes ? gy : 0;
}

double activate(Activation activation, double value) {
  if (activation == Activation::none) return value;
  return activation == Activation::relu ? std::max(value, 0.0) : std::clamp(value, 0.0, 6.0);
}

Array drawn(std::uint64_t stream, const Shape& shape, double largest) {
  return uniform({1, stream}, shape, -largest, largest, DType::float32).astype(DType::float64);
}

/// What the kernels read, in double, and next to pages without access.
template <class T>
struct Problem {
  Problem(const Geometry& geometry, Activation f, bool masks_by_y, test::Side side)
      : g(geometry),
        activation(f),
        by_y(masks_by_y),
        arrays{drawn(0, shape(), 1),      drawn(1, shape(), 1),        results(shape()),
               drawn(2, shape(), 8),      drawn(3, {g.channels}, 1),   drawn(4, {g.channels}, 4),
               drawn(5, {g.channels}, 4), drawn(6, {g.channels}, 0.5), drawn(7, {g.channels}, 0.5)},
        x((keep_off_kinks(), arrays[0]), side),
        gy(arrays[1], side),
        y(arrays[2], side),
        residual(arrays[3], side),
        center(arrays[4], side),
        scale(arrays[5], side),
        shift(arrays[6], side),
        slope(arrays[7], side),
        level(arrays[8], side) {}

  [[nodiscard]] Shape shape() const { return {g.outer, g.channels, g.inner}; }
  [[nodiscard]] std::int64_t channel(std::int64_t at) const { return at / g.inner % g.channels; }
  [[nodiscard]] double at(std::size_t which, std::int64_t i) const { return arrays[which].data<double>()[i]; }
  [[nodiscard]] double coefficient(std::size_t which, std::int64_t i) const { return at(which, channel(i)); }
  [[nodiscard]] double centered(std::int64_t i) const { return at(0, i) - coefficient(4, i); }
  [[nodiscard]] double normalized(std::int64_t i) const {
    return centered(i) * coefficient(5, i) + coefficient(6, i);
  }
  [[nodiscard]] double passed(std::int64_t i) const {
    return through(activation, at(1, i), by_y ? at(2, i) : normalized(i));
  }
  [[nodiscard]] batch_norm::Normalization<T> normalization() {
    return {center.data(), scale.data(), shift.data()};
  }
  [[nodiscard]] batch_norm::Upstream<T> upstream(T* gradient) {
    return {gradient, by_y ? y.data() : nullptr, normalization()};
  }

  Geometry g;
  Activation activation;
  bool by_y;
  Array arrays[9];
  test::Guarded<T> x, gy, y, residual, center, scale, shift, slope, level;

 private:
  /// Results of an activation, many at its kinks.
  static Array results(const Shape& shape) {
    Array y = uniform({1, 15}, shape, -3, 9, DType::float32).astype(DType::float64);
    double* values = y.mutable_data<double>();
    for (std::int64_t i = 0; i < y.size(); ++i) values[i] = std::clamp(values[i], 0.0, 6.0);
    return y;
  }
  /// Rounding must not decide what the activation lets through.
  void keep_off_kinks() {
    for (std::int64_t i = 0; i < arrays[0].size(); ++i) {
      const double value = normalized(i);
      if (std::min(std::abs(value), std::abs(value - 6)) < 1e-3)
        arrays[0].mutable_data<double>()[i] = coefficient(4, i) + (1 - coefficient(6, i)) / coefficient(5, i);
    }
  }
};

/// The moments and sums of one block, whose channels' results are compared with loops in double.
template <class T>
void check_block(const batch_norm::Kernels<T>& kernels, Problem<T>& p, const Block& block, test::Side side) {
  const Geometry& g = p.g;
  const std::int64_t width = block.last - block.first;
  const std::int64_t terms = (block.end - block.begin) * (block.to - block.from);
  const auto count = static_cast<double>(terms);
  test::Guarded<double> mean(width, -7, side), squares(width, -7, side), sum_g(width, -7, side),
      sum_g_x(width, -7, side);
  test::Guarded<T> separate(p.arrays[0].size(), T(9), side), in_place(p.arrays[1], side);
  kernels.moments(g, block, p.x.data(), p.x.data(), mean.data(), squares.data());
  const auto sums = kernels.of(p.activation).gradient_sums;
  sums(g, block, p.x.data(), p.upstream(p.gy.data()), separate.data(), sum_g.data(), sum_g_x.data());
  sums(g, block, p.x.data(), p.upstream(in_place.data()), in_place.data(), sum_g.data(), sum_g_x.data());
  const double tolerance = 4 * count * test::sum_tolerance(dtype_of<T>, terms);
  std::vector<bool> inside(static_cast<std::size_t>(p.arrays[0].size()), false);
  for (std::int64_t c = block.first; c < block.last; ++c) {
    double wanted[4] = {};  // mean, squares, g, g_x
    const auto each = [&](auto f) {
      for (std::int64_t o = block.begin; o < block.end; ++o) {
        for (std::int64_t i = block.from; i < block.to; ++i) f((o * g.channels + c) * g.inner + i);
      }
    };
    each([&](std::int64_t i) { wanted[0] += p.at(0, i) / count; });
    each([&](std::int64_t i) {
      wanted[1] += (p.at(0, i) - wanted[0]) * (p.at(0, i) - wanted[0]);
      wanted[2] += p.passed(i);
      wanted[3] += p.passed(i) * p.centered(i);
      inside[static_cast<std::size_t>(i)] = true;
    });
    const std::int64_t at = c - block.first;
    CHECK(std::abs(mean.data()[at] - wanted[0]) <= tolerance / count);
    CHECK(std::abs(squares.data()[at] - wanted[1]) <= 2 * tolerance);
    CHECK(std::abs(sum_g.data()[at] - wanted[2]) <= tolerance);
    CHECK(std::abs(sum_g_x.data()[at] - wanted[3]) <= 4 * tolerance);
  }
  bool right = true;
  for (std::int64_t i = 0; i < p.arrays[0].size(); ++i) {
    const bool is_inside = inside[static_cast<std::size_t>(i)];
    const T g_value = static_cast<T>(p.passed(i));
    right &= separate.data()[i] == (is_inside ? g_value : T(9));
    right &= in_place.data()[i] == (is_inside ? g_value : static_cast<T>(p.at(1, i)));
  }
  CHECK(right);
  CHECK((mean.slack_untouched() && squares.slack_untouched() && sum_g.slack_untouched() &&
         sum_g_x.slack_untouched() && separate.slack_untouched()));
}

/// y and gx of the runs [begin, end), with a residual and without, in memory of its own and over gy.
template <class T>
void check_runs(const batch_norm::Kernels<T>& all, Problem<T>& p, std::int64_t begin, std::int64_t end,
                test::Side side) {
  const batch_norm::ActivationKernels<T>& kernels = all.of(p.activation);
  const Geometry& g = p.g;
  const std::int64_t size = p.arrays[0].size();
  test::Guarded<T> plain(size, T(9), side), added(size, T(9), side), gx(size, T(9), side),
      in_place(p.arrays[1], side);
  const batch_norm::InputGradient<T> to{p.slope.data(), p.level.data(), p.scale.data()};
  kernels.normalize(g, begin, end, p.x.data(), nullptr, p.normalization(), plain.data());
  kernels.normalize(g, begin, end, p.x.data(), p.residual.data(), p.normalization(), added.data());
  for (const bool accumulate : {false, true}) {
    kernels.input_gradient(g, begin, end, p.x.data(), p.upstream(p.gy.data()), to, accumulate, gx.data());
  }
  kernels.input_gradient(g, begin, end, p.x.data(), p.upstream(in_place.data()), to, false, in_place.data());
  const double tolerance = test::element_tolerance(dtype_of<T>);
  double worst[4] = {};
  for (std::int64_t i = 0; i < size; ++i) {
    const bool is_inside = i >= begin * g.run_length() && i < end * g.run_length();
    const double value = p.normalized(i);
    const double wanted_gx =
        (p.passed(i) - p.coefficient(8, i) - p.centered(i) * p.coefficient(7, i)) * p.coefficient(5, i);
    const auto compare = [&](double& largest, T actual, double wanted) {
      largest = std::max(largest, std::abs(static_cast<double>(actual) - wanted));
    };
    compare(worst[0], plain.data()[i], is_inside ? activate(p.activation, value) : 9);
    compare(worst[1], added.data()[i], is_inside ? activate(p.activation, value + p.at(3, i)) : 9);
    compare(worst[2], gx.data()[i], is_inside ? 2 * wanted_gx : 9);
    compare(worst[3], in_place.data()[i], is_inside ? wanted_gx : p.at(1, i));
  }
  for (const double difference : worst) CHECK(difference <= 64 * tolerance);
  CHECK((plain.slack_untouched() && added.slack_untouched() && gx.slack_untouched()));
}

}  // namespace

TEMPLATE_TEST_CASE("batch normalization's kernels of every instruction set agree with the definition",
                   "[batch_normalization]", float, double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const batch_norm::Kernels<TestType>& kernels = kernels_of<TestType>(isa);
  const test::Side side = GENERATE(test::Side::start, test::Side::end);
  for (std::int64_t size = 1; size <= 150; size += size < 40 ? 1 : 7) {
    for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
      for (const bool by_y : {false, true}) {
        CAPTURE(to_string(isa), size, to_string(activation), by_y);
        Problem<TestType> rows({3, 2, size}, activation, by_y, side);  // size 1: the channels lie innermost
        if (size > 1) {
          check_block(kernels, rows, {0, 3, 0, 2, 0, size}, side);
          check_block(kernels, rows, {1, 2, 1, 2, size / 3, size}, side);
          check_runs(kernels, rows, 1, 5, side);
        }
        Problem<TestType> columns({5, size, 1}, activation, by_y, side);
        const std::int64_t last = std::min(size, batch_norm::kMostChannels);
        check_block(kernels, columns, {0, 5, 0, last, 0, 1}, side);
        check_block(kernels, columns, {1, 3, last / 2, last, 0, 1}, side);
        check_runs(kernels, columns, 1, 4, side);
      }
    }
  }
}

TEMPLATE_TEST_CASE("moments do not lose digits where the elements that are looked at first lie far off",
                   "[batch_normalization]", float, double) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  constexpr std::int64_t kSize = 4096;
  for (const bool columns : {false, true}) {
    CAPTURE(to_string(isa), columns);
    const Geometry g = columns ? Geometry{kSize, 2, 1} : Geometry{1, 2, kSize};
    const std::int64_t step = columns ? 2 : 1;
    Array x = uniform({3, 0}, {g.outer, g.channels, g.inner}, 1e4 - 1, 1e4 + 1, dtype_of<TestType>);
    TestType* values = x.mutable_data<TestType>();
    for (std::int64_t k = 0; k < 4; ++k) values[(kSize - 1) * k / 3 * step] = 0;
    double means[2], squares[2];
    kernels_of<TestType>(isa).moments(g, {0, g.outer, 0, 2, 0, g.inner}, values, values, means, squares);
    for (std::int64_t c = 0; c < 2; ++c) {
      double mean = 0, square = 0;
      const TestType* first = values + c * (columns ? 1 : kSize);
      for (std::int64_t i = 0; i < kSize; ++i) mean += static_cast<double>(first[i * step]) / kSize;
      for (std::int64_t i = 0; i < kSize; ++i)
        square +=
            (static_cast<double>(first[i * step]) - mean) * (static_cast<double>(first[i * step]) - mean);
      CHECK(means[c] == Approx(mean).epsilon(1e-7));
      CHECK(squares[c] == Approx(square).epsilon(1e-5));
    }
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// The kernels of softmax and log_softmax on every instruction set, against plain loops in double.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include <support/restore.hpp>
#include <support/tolerance.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/random.hpp>
#include <fathom/ops/softmax.hpp>

using namespace fathom;

namespace {

/// Outputs and gradients of both ops along axis 1 of x (outer, length, inner).
struct Results {
  Array p, log_p, gx_p, gx_log_p;
};

Results run(const Array& x, const Array& gy) {
  const Variable v(x, true);
  const Variable p = ops::softmax(v), log_p = ops::log_softmax(v);
  return {p.data(), log_p.data(), grad({p}, {v}, {Variable(gy)})[0].data(),
          grad({log_p}, {v}, {Variable(gy)})[0].data()};
}

/// The definition.
Results reference(const Array& x_array, const Array& gy_array) {
  const auto doubles = [](const Array& a) { return a.astype(DType::float64); };
  const Array x = doubles(x_array), gy = doubles(gy_array);
  Results r{x.copy(), x.copy(), x.copy(), x.copy()};
  const std::int64_t length = x.shape(1), inner = x.shape(2);
  for (std::int64_t line = 0; line < x.shape(0) * inner; ++line) {
    const auto at = [&](std::int64_t k) { return (line / inner * length + k) * inner + line % inner; };
    const double* scores = x.data<double>();
    const double* g = gy.data<double>();
    double top = -std::numeric_limits<double>::infinity(), sum = 0, dot = 0, total = 0;
    for (std::int64_t k = 0; k < length; ++k) top = std::max(top, scores[at(k)]);
    for (std::int64_t k = 0; k < length; ++k) sum += std::exp(scores[at(k)] - top);
    for (std::int64_t k = 0; k < length; ++k) {
      r.p.mutable_data<double>()[at(k)] = std::exp(scores[at(k)] - top) / sum;
      r.log_p.mutable_data<double>()[at(k)] = scores[at(k)] - top - std::log(sum);
      dot += std::exp(scores[at(k)] - top) / sum * g[at(k)];
      total += g[at(k)];
    }
    for (std::int64_t k = 0; k < length; ++k) {
      const double p = r.p.data<double>()[at(k)];
      r.gx_p.mutable_data<double>()[at(k)] = p * (g[at(k)] - dot);
      r.gx_log_p.mutable_data<double>()[at(k)] = g[at(k)] - p * total;
    }
  }
  return r;
}

void check(const Results& got, const Results& wanted, DType dtype, std::int64_t length) {
  const auto close = [&](const Array& a, const Array& b, double rtol, double atol) {
    return allclose(a.astype(DType::float64), b, rtol, atol, true);
  };
  // In float64 the score's distance from the largest, up to 40, is rounded before exp.
  const double u = test::element_tolerance(dtype);
  const double relative = dtype == DType::float64 ? 40 * u : u;
  CHECK(close(got.p, wanted.p, relative, 1e-300));
  CHECK(close(got.log_p, wanted.log_p, u, 4 * u));
  // The gradient starts from y rounded to dtype; sums of `length` numbers up to 1.
  const double sums = 4 * test::sum_tolerance(dtype, length) * std::sqrt(static_cast<double>(length));
  CHECK(close(got.gx_p, wanted.gx_p, relative, sums));
  CHECK(close(got.gx_log_p, wanted.gx_log_p, 8 * relative, 8 * sums));
}

}  // namespace

TEST_CASE("the softmax kernels of every instruction set agree with the definition", "[softmax][kernels]") {
  const test::RestoreSettings restore;
  const auto isa = GENERATE(from_range(supported_isas()));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  INFO(to_string(isa) << " " << dtype);
  std::uint64_t seed = 0;
  for (std::int64_t length = 1; length <= 70; ++length) {
    for (const std::int64_t inner : {1, 2, 3, 7, 17, 64, 67, 131}) {
      INFO("length " << length << ", inner " << inner);
      const Shape shape{2, length, inner};
      Array x = normal({1, ++seed}, shape, 0, 4, dtype);
      // Ties, also for the largest.
      if (length > 2) {
        dispatch_float(dtype, "test", [&]<class T>() {
          T* values = x.mutable_data<T>();
          values[0] = values[(length - 1) * inner] = T{9};
        });
      }
      const Array gy = uniform({2, seed}, shape, -1, 1, dtype);
      check(run(x, gy), reference(x, gy), dtype, length);
    }
  }
}

TEST_CASE("the softmax kernels take infinities, NaN and huge scores", "[softmax][kernels]") {
  const test::RestoreSettings restore;
  const auto isa = GENERATE(from_range(supported_isas()));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const double special : {-kInf, kInf, std::nan(""), 1e30, -1e30, 700.0, -745.0}) {
    for (const std::int64_t length : {1, 3, 8, 9, 13, 70}) {
      for (const std::int64_t inner : {1, 5, 67}) {
        for (const std::int64_t at : {std::int64_t{0}, length / 2, length - 1}) {
          INFO(to_string(isa) << " " << dtype << ": " << special << " at " << at << " of " << length
                              << ", inner " << inner);
          const Shape shape{2, length, inner};
          Array x = normal({3, 0}, shape, 0, 1, dtype);
          dispatch_float(dtype, "test", [&]<class T>() {
            x.mutable_data<T>()[at * inner + inner / 2] = static_cast<T>(special);
          });
          const Array gy = uniform({3, 1}, shape, -1, 1, dtype);
          const Results wanted = reference(x, gy);
          const Results got = run(x, gy);
          const double u = test::element_tolerance(dtype);
          const auto close = [&](const Array& a, const Array& b, double rtol) {
            return allclose(a.astype(DType::float64), b, rtol, 4 * u, true);
          };
          CHECK(close(got.p, wanted.p, 4 * u));
          CHECK(close(got.log_p, wanted.log_p.astype(dtype).astype(DType::float64), 4 * u));
        }
      }
    }
  }
}

TEST_CASE("a line of softmax has the same bits wherever it lies", "[softmax][kernels]") {
  const test::RestoreSettings restore;
  const auto isa = GENERATE(from_range(supported_isas()));
  const auto dtype = GENERATE(DType::float32, DType::float64);
  const std::int64_t inner = GENERATE(1, 67);
  set_isa(isa);
  INFO(to_string(isa) << " " << dtype << " inner " << inner);
  const std::int64_t length = 21;
  // Every line holds the same scores and gradients.
  const auto spread = [&](const Array& line) { return broadcast_to(line, {5, length, inner}); };
  const Results all = run(spread(normal({4, 0}, {1, length, 1}, 0, 3, dtype)),
                          spread(uniform({4, 1}, {1, length, 1}, -1, 1, dtype)));
  for (const Array& array : {all.p, all.log_p, all.gx_p, all.gx_log_p}) {
    const Array first = dispatch_float(dtype, "test", [&]<class T>() {
      std::vector<T> line;
      for (std::int64_t k = 0; k < length; ++k) line.push_back(array.data<T>()[k * inner]);
      return Array::from(line, {1, length, 1});
    });
    CHECK(identical(array, spread(first)));
  }
}

TEST_CASE("softmax has the same bits for any number of threads", "[softmax][kernels][threads]") {
  const test::RestoreSettings restore;
  const auto isa = GENERATE(from_range(supported_isas()));
  const Shape shape = GENERATE(Shape{5001, 10, 1}, Shape{3, 21, 1600}, Shape{1, 1000, 333});
  set_isa(isa);
  const Array x = normal({5, 0}, shape, 0, 3, DType::float32);
  const Array gy = uniform({5, 1}, shape, -1, 1, DType::float32);
  set_num_threads(1);
  const Results one = run(x, gy);
  for (const int threads : {2, 3, 5}) {
    INFO(to_string(isa) << ", " << threads << " threads");
    set_num_threads(threads);
    const Results many = run(x, gy);
    CHECK(identical(many.p, one.p));
    CHECK(identical(many.log_p, one.log_p));
    CHECK(identical(many.gx_p, one.gx_p));
    CHECK(identical(many.gx_log_p, one.gx_log_p));
  }
}

TEST_CASE("the kernels of the chosen instruction set run", "[softmax][kernels]") {
  const test::RestoreSettings restore;
  const auto isa = GENERATE(from_range(supported_isas()));
  set_isa(isa);
  reset_kernel_counts();
  const Array x = Array::zeros({2, 3, 1}, DType::float32);
  static_cast<void>(run(x, x));
  for (const char* name : {"softmax/normalizers", "softmax/softmax", "softmax/log_softmax",
                           "softmax/softmax_gradient", "softmax/log_softmax_gradient"}) {
    const std::vector<KernelCount> counts = kernel_counts();
    INFO(to_string(isa) << " " << name);
    CHECK(std::count_if(counts.begin(), counts.end(), [&](const KernelCount& count) {
            return count.kernel == name && count.isa == isa && count.dtype == DType::float32;
          }) == 1);
  }
  for (const KernelCount& count : kernel_counts()) CHECK(count.isa == isa);
}

TEST_CASE("the softmax kernels' exponentials are right to the last bits", "[softmax][kernels]") {
  const test::RestoreSettings restore;
  const auto isa = GENERATE(from_range(supported_isas()));
  set_isa(isa);
  // From 40 on the sum of both exponentials is 1.
  for (double t = 40; t < 760; t += 0.37) {
    const Array p = ops::softmax(Variable(Array::from({0.0, -t}, {1, 2}))).data();
    INFO(to_string(isa) << ": exp(" << -t << ")");
    CHECK(std::abs(p.data<double>()[1] - std::exp(-t)) <= (t > 708 ? 1e-307 : 4e-16 * std::exp(-t)));
  }
}

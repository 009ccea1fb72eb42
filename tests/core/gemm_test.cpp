// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/gemm.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/gemm/driver.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>
#include <support/restore.hpp>
#include <support/tolerance.hpp>

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

/// One product with leading dimensions; matrices are stored with `gap` unused elements after each row.
struct Problem {
  bool transpose_a, transpose_b, accumulate;
  std::int64_t m, n, k, gap;

  [[nodiscard]] std::int64_t lda() const { return (transpose_a ? m : k) + gap; }
  [[nodiscard]] std::int64_t ldb() const { return (transpose_b ? k : n) + gap; }
  [[nodiscard]] std::int64_t ldc() const { return n + gap; }
  [[nodiscard]] Array a(DType dtype) const { return random(1, transpose_a ? k : m, lda(), dtype); }
  [[nodiscard]] Array b(DType dtype) const { return random(2, transpose_b ? n : k, ldb(), dtype); }
  [[nodiscard]] Array c(DType dtype) const { return random(3, m, ldc(), dtype); }

 private:
  static Array random(std::uint64_t stream, std::int64_t rows, std::int64_t step, DType dtype) {
    return uniform({7, stream}, {rows, step}, -1, 1, DType::float64).astype(dtype);
  }
};

std::ostream& operator<<(std::ostream& out, const Problem& p) {
  return out << "m " << p.m << " n " << p.n << " k " << p.k << " gap " << p.gap
             << (p.transpose_a ? " A^T" : "") << (p.transpose_b ? " B^T" : "")
             << (p.accumulate ? " accumulate" : "");
}

template <class T>
Array run(const Problem& p) {
  Array c = p.c(dtype_of<T>);
  const Array a = p.a(dtype_of<T>);
  const Array b = p.b(dtype_of<T>);
  gemm<T>(p.transpose_a, p.transpose_b, p.m, p.n, p.k, a.data<T>(), p.lda(), b.data<T>(), p.ldb(),
          p.accumulate, c.mutable_data<T>(), p.ldc());
  return c;
}

/// Compares with plain loops in double; counts what is wrong, elements between the rows among it.
template <class T>
std::int64_t mistakes(const Problem& p, const Array& result) {
  const Array a = p.a(dtype_of<T>);
  const Array b = p.b(dtype_of<T>);
  const Array before = p.c(dtype_of<T>);
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.ldc(); ++j) {
      const double old = before.data<T>()[i * p.ldc() + j];
      double sum = j < p.n && !p.accumulate ? 0.0 : old;
      double magnitude = std::abs(sum);
      for (std::int64_t q = 0; j < p.n && q < p.k; ++q) {
        const double left = a.data<T>()[p.transpose_a ? q * p.lda() + i : i * p.lda() + q];
        const double right = b.data<T>()[p.transpose_b ? j * p.ldb() + q : q * p.ldb() + j];
        sum += left * right;
        magnitude += std::abs(left * right);
      }
      const double tolerance = j < p.n ? test::sum_tolerance(dtype_of<T>, p.k + 1) * magnitude : 0.0;
      if (!(std::abs(result.data<T>()[i * p.ldc() + j] - sum) <= tolerance)) ++wrong;
    }
  }
  return wrong;
}

template <class T>
void check(const Problem& problem) {
  INFO(problem << ", " << dtype_of<T>);
  CHECK(mistakes<T>(problem, run<T>(problem)) == 0);
}

}  // namespace

TEST_CASE("gemm agrees with plain loops for all small sizes", "[gemm]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  set_isa(isa);
  const bool transpose_a = GENERATE(false, true);
  const bool transpose_b = GENERATE(false, true);
  const bool accumulate = GENERATE(false, true);
  CAPTURE(to_string(isa));
  for (std::int64_t m = 1; m <= 40; m += 3) {
    for (std::int64_t n = 1; n <= 40; n += m % 2 + 2) {
      const Problem problem{transpose_a, transpose_b, accumulate, m, n, (m * 5 + n * 7) % 40 + 1,
                            (m + n) % 3};
      check<float>(problem);
      check<double>(problem);
    }
  }
}

TEST_CASE("gemm agrees with plain loops for sizes beyond its blocks", "[gemm]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const bool transpose_a = GENERATE(false, true);
  const bool transpose_b = GENERATE(false, true);
  const auto [m, n, k] = GENERATE(table<std::int64_t, std::int64_t, std::int64_t>(
      {{20, 270, 300},
       {257, 18, 280},
       {800, 5, 257},
       {3, 530, 256},
       {1, 1, 1000},
       // From three blocks of columns on, the left operand is packed beforehand: strips, depths, row blocks.
       {40, 800, 300},
       {400, 530, 17},
       {14, 513, 513}}));
  const Problem problem{transpose_a, transpose_b, (m + n) % 2 == 0, m, n, k, 5};
  check<float>(problem);
  check<double>(problem);
}

TEST_CASE("gemm without products writes zeros or leaves what is there", "[gemm]") {
  const Problem zeros{false, false, false, 7, 19, 0, 0};
  CHECK(identical(run<float>(zeros), Array::zeros({7, 19}, DType::float32)));
  const Problem nothing{false, true, true, 7, 19, 0, 0};
  CHECK(identical(run<double>(nothing), nothing.c(DType::float64)));
  CHECK(gemm(Array::ones({0, 3}, DType::float32), Array::ones({3, 2}, DType::float32)).shape() ==
        Shape{0, 2});
}

TEST_CASE("gemm gives the same bits for any number of threads", "[gemm]") {
  const test::RestoreSettings restore;
  set_isa(GENERATE(from_range(supported_isas())));
  const auto [m, n, k] = GENERATE(table<std::int64_t, std::int64_t, std::int64_t>(
      {{300, 700, 300}, {1000, 20, 600}, {19, 1111, 70}, {96, 96, 3000}, {1, 1111, 701}, {3, 999, 500}}));
  const bool transpose_b = GENERATE(false, true);
  const Problem problem{false, transpose_b, true, m, n, k, 1};
  set_num_threads(1);
  const Array floats = run<float>(problem);
  const Array doubles = run<double>(problem);
  for (const int threads : {2, 3, 5}) {
    CAPTURE(problem, threads);
    set_num_threads(threads);
    CHECK(identical(run<float>(problem), floats));
    CHECK(identical(run<double>(problem), doubles));
  }
}

TEST_CASE("gemm runs the kernels of the chosen instruction set", "[gemm]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  reset_kernel_counts();
  // Few rows by themselves when b's run along k too, else tiles.
  const bool few = GENERATE(true, false);
  static_cast<void>(gemm(Array::ones({few ? 4 : 5, 3}, dtype), Array::ones({4, 3}, dtype), false, true));
  const std::vector<KernelCount> counts = kernel_counts();
  REQUIRE(counts.size() == 1);
  CHECK(counts[0].kernel == (few ? "gemm/rows" : "gemm/matrix"));
  CHECK(counts[0].isa == isa);
  CHECK(counts[0].dtype == dtype);
  CHECK(counts[0].calls == 1);
}

// What is left of earlier calls would be multiplied too: as subnormal numbers it takes a hundred times as
// long.
TEMPLATE_TEST_CASE("packing transposed rows leaves no lane of a vector as it was", "[gemm]", float, double) {
  const auto& kernels = fathom::detail::gemm_kernels<TestType>(fathom::active_isa());
  const std::int64_t depth = 11, width = kernels.columns();
  std::vector<TestType> source(static_cast<std::size_t>(depth + fathom::detail::kGemmPackSlack), TestType(1));
  const std::vector<std::int64_t> rows(static_cast<std::size_t>(width), 0);
  for (std::int64_t columns = 1; columns <= width; ++columns) {
    std::vector<TestType> target(static_cast<std::size_t>(depth * width + fathom::detail::kGemmPackSlack),
                                 std::numeric_limits<TestType>::quiet_NaN());
    kernels.pack_transposed(source.data(), rows.data(), columns, depth, target.data(), width);
    const std::int64_t filled = (columns + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
    std::int64_t left = 0;
    for (std::int64_t i = 0; i < depth * width; ++i)
      if (i % width < filled && !(target[static_cast<std::size_t>(i)] == TestType(1))) ++left;
    CAPTURE(columns);
    CHECK(left == 0);
  }
}

TEST_CASE("gemm of Arrays transposes", "[gemm]") {
  const Array a = Array::from({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  const Array at = Array::from({1.0, 4.0, 2.0, 5.0, 3.0, 6.0}, {3, 2});
  const Array b = Array::from({1.0, -1.0, 0.0, 2.0, 3.0, 1.0}, {3, 2});
  const Array bt = Array::from({1.0, 0.0, 3.0, -1.0, 2.0, 1.0}, {2, 3});
  const Array expected = Array::from({10.0, 6.0, 22.0, 12.0}, {2, 2});
  CHECK(identical(gemm(a, b), expected));
  CHECK(identical(gemm(at, b, true), expected));
  CHECK(identical(gemm(a, bt, false, true), expected));
  CHECK(identical(gemm(at, bt, true, true), expected));
}

TEST_CASE("gemm refuses what does not fit", "[gemm]") {
  const Array a = Array::ones({2, 3}, DType::float32);
  CHECK_THROWS_AS(gemm(a, a), ShapeError);
  CHECK_THROWS_WITH(gemm(a, a),
                    Equals("gemm: a and b must agree in k (a has 3, b has 2)\n"
                           "  a: float32 [2, 3]  (m, k)\n"
                           "  b: float32 [2, 3]  (k, n)\n"
                           "  hint: transpose_a and transpose_b take a matrix the other way round"));
  CHECK_THROWS_AS(gemm(a, a.astype(DType::float64), false, true), DTypeError);
  CHECK_THROWS_WITH(gemm(a, a.astype(DType::float64), false, true), Contains("astype(DType::float32)"));
  CHECK_THROWS_AS(gemm(a.reshape({6}), a), ShapeError);
  CHECK_THROWS_AS(gemm(a.astype(DType::int32), a), DTypeError);
}

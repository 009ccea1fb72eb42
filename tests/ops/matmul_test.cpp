// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/matmul.hpp>

#include <catch2/catch.hpp>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/gradient_check.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <support/restore.hpp>

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

Array random(std::uint64_t stream, const Shape& shape, DType dtype = DType::float64) {
  return uniform({14, stream}, shape, -1, 1, DType::float64).astype(dtype);
}

struct MatmulCase {
  Shape a, b, y;
  ops::MatmulOptions options = {};
};

std::ostream& operator<<(std::ostream& out, const MatmulCase& c) {
  return out << c.a << (c.options.transpose_a ? "^T * " : " * ") << c.b
             << (c.options.transpose_b ? "^T" : "");
}

std::vector<MatmulCase> cases() {
  return {
      {{3, 4}, {4, 2}, {3, 2}},
      {{4, 3}, {4, 2}, {3, 2}, {true, false}},
      {{3, 4}, {2, 4}, {3, 2}, {false, true}},
      {{4, 3}, {2, 4}, {3, 2}, {true, true}},
      {{1, 1}, {1, 1}, {1, 1}},
      {{2, 3, 4}, {2, 4, 5}, {2, 3, 5}},
      {{2, 4, 3}, {2, 4, 5}, {2, 3, 5}, {true, false}},
      {{2, 4, 3}, {2, 5, 4}, {2, 3, 5}, {true, true}},
      {{3, 4}, {2, 4, 2}, {2, 3, 2}},
      {{2, 3, 4}, {4, 2}, {2, 3, 2}},
      {{2, 1, 3, 4}, {3, 4, 2}, {2, 3, 3, 2}},
      {{1, 4, 3}, {2, 2, 4}, {2, 3, 2}, {true, true}},
      {{4}, {4}, {}},
      {{4}, {4}, {}, {true, true}},
      {{3, 4}, {4}, {3}},
      {{4, 3}, {4}, {3}, {true, false}},
      {{4}, {4, 3}, {3}},
      {{4}, {3, 4}, {3}, {false, true}},
      {{2, 3, 4}, {4}, {2, 3}},
      {{4}, {2, 4, 3}, {2, 3}},
      {{2, 2, 2, 3}, {2, 2, 3, 2}, {2, 2, 2, 2}},
  };
}

/// y in plain loops: matrices seen as (rows, columns) through strides, the batch through broadcast strides.
Array reference(const MatmulCase& c, const Array& a, const Array& b) {
  const auto batch = [](const Shape& shape) {
    return Shape(shape.span().first(shape.rank() < 2 ? 0 : shape.rank() - 2));
  };
  const Shape to = broadcast_shapes("test", batch(c.a), batch(c.b));
  const bool swap_a = c.options.transpose_a && c.a.rank() > 1;
  const bool swap_b = c.options.transpose_b && c.b.rank() > 1;
  const std::int64_t k = swap_a ? c.a[c.a.rank() - 2] : c.a.back();
  const std::int64_t m = c.a.rank() == 1 ? 1 : (swap_a ? c.a.back() : c.a[c.a.rank() - 2]);
  const std::int64_t n = c.b.rank() == 1 ? 1 : (swap_b ? c.b[c.b.rank() - 2] : c.b.back());
  const Strides strides_a = broadcast_strides(batch(c.a), to);
  const Strides strides_b = broadcast_strides(batch(c.b), to);
  const Strides strides = contiguous_strides(to);
  Array y = Array::zeros(c.y, DType::float64);
  double* out = y.mutable_data<double>();
  for (std::int64_t g = 0; g < to.size(); ++g) {
    std::int64_t at_a = 0;
    std::int64_t at_b = 0;
    for (std::size_t axis = 0; axis < to.rank(); ++axis) {
      at_a += g / strides[axis] % to[axis] * strides_a[axis] * m * k;
      at_b += g / strides[axis] % to[axis] * strides_b[axis] * k * n;
    }
    for (std::int64_t i = 0; i < m * n * k; ++i) {
      const std::int64_t row = i / k / n;
      const std::int64_t column = i / k % n;
      const std::int64_t p = i % k;
      out[g * m * n + i / k] += a.data<double>()[at_a + (swap_a ? p * m + row : row * k + p)] *
                                b.data<double>()[at_b + (swap_b ? column * k + p : p * n + column)];
    }
  }
  return y;
}

}  // namespace

TEST_CASE("matmul follows NumPy's rules", "[matmul]") {
  const MatmulCase c = GENERATE(from_range(cases()));
  CAPTURE(c);
  const Array a = random(1, c.a);
  const Array b = random(2, c.b);
  const Array expected = reference(c, a, b);
  const Array y = ops::matmul(Variable{a}, Variable{b}, c.options).data();
  REQUIRE(y.shape() == c.y);
  CHECK(allclose(y, expected, 1e-14, 1e-14));
  const Array single =
      ops::matmul(Variable{a.astype(DType::float32)}, Variable{b.astype(DType::float32)}, c.options).data();
  CHECK(allclose(single.astype(DType::float64), expected, 1e-6, 1e-6));
}

TEST_CASE("matmul passes the gradient checks", "[matmul]") {
  const MatmulCase c = GENERATE(from_range(cases()));
  CAPTURE(c);
  const Arrays inputs{random(1, c.a), random(2, c.b)};
  const auto function = [&](const Variables& in) { return ops::matmul(in[0], in[1], c.options); };
  const GradientReport first = check_backward(function, inputs, {.every_element = true});
  INFO(first);
  CHECK(first);
  const GradientReport second = check_double_backward(function, inputs);
  INFO(second);
  CHECK(second);
}

TEST_CASE("matmul without elements", "[matmul]") {
  const auto ones = [](const Shape& shape) { return Variable{Array::ones(shape, DType::float32)}; };
  CHECK(ops::matmul(ones({0, 3}), ones({3, 2})).shape() == Shape{0, 2});
  CHECK(ops::matmul(ones({0, 2, 3}), ones({3, 2})).shape() == Shape{0, 2, 2});
  CHECK(identical(ops::matmul(ones({2, 0}), ones({0, 3})).data(), Array::zeros({2, 3}, DType::float32)));
}

TEST_CASE("matmul's second order runs through the same kernels", "[matmul]") {
  const test::RestoreSettings restore;
  const Isa isa = GENERATE(from_range(supported_isas()));
  const DType dtype = GENERATE(DType::float32, DType::float64);
  set_isa(isa);
  const Variable a{random(1, {3, 4}, dtype), true};
  const Variable b{random(2, {4, 2}, dtype), true};
  const Variables gys{Variable{random(3, {3, 2}, dtype)}};
  const Variables ys{ops::matmul(a, b)};
  const Variables xs{a};
  const Variables ga = grad(ys, xs, gys, {.create_graph = true});
  reset_kernel_counts();
  const Variables ggs{Variable{random(4, {3, 4}, dtype)}};
  const Variables bs{b};
  const Variables second = grad(ga, bs, ggs);
  REQUIRE(second[0].defined());
  const std::vector<KernelCount> counts = kernel_counts();
  REQUIRE(counts.size() == 1);
  CHECK(counts[0].kernel == "gemm/matrix");
  CHECK(counts[0].isa == isa);
  CHECK(counts[0].dtype == dtype);
  CHECK(counts[0].calls == 1);
}

TEST_CASE("matmul refuses what does not fit", "[matmul]") {
  const auto var = [](const Shape& shape, DType dtype = DType::float32) {
    return Variable{Array::ones(shape, dtype)};
  };
  using ops::matmul;
  CHECK_THROWS_AS(matmul({}, var({2, 2})), GraphError);
  CHECK_THROWS_WITH(matmul(var({2, 2}), {}), Contains("matmul: b must not be undefined"));
  CHECK_THROWS_AS(matmul(var({2, 3}), var({4, 2})), ShapeError);
  CHECK_THROWS_WITH(matmul(var({2, 3}), var({4, 2})),
                    Equals("matmul: a and b must agree in k (a has 3, b has 4)\n"
                           "  a: float32 [2, 3]  (..., m, k)\n"
                           "  b: float32 [4, 2]  (..., k, n)\n"
                           "  hint: transpose_a and transpose_b take a matrix the other way round"));
  CHECK_THROWS_AS(matmul(var({2, 2, 3}), var({3, 3, 2})), ShapeError);
  CHECK_THROWS_WITH(
      matmul(var({2, 2, 3}), var({3, 3, 2})),
      Contains("the axes before the last two must broadcast (a has [2], b has [3])") &&
          Catch::EndsWith(
              "\n  hint: aligned at the end, their sizes must be equal or 1; reshape adds axes of size 1"));
  CHECK_THROWS_AS(matmul(var({2, 3}), var({3, 2}, DType::float64)), DTypeError);
  CHECK_THROWS_AS(matmul(var({}), var({3, 2})), ShapeError);
  CHECK_THROWS_WITH(
      matmul(var({3}), var({})),
      Contains("a and b must have at least one axis (a has 1, b has 0)") &&
          Catch::EndsWith("\n  hint: multiply by a single number with *; a vector has one axis"));
}

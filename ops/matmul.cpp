// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/matmul.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/core/gemm/matrix.hpp>
#include <fathom/core/reduce.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/linear_map.hpp>

namespace fathom::ops {
namespace {

/// Axes before the last two; none for one axis.
Shape batch_axes(const Shape& shape) {
  return Shape(shape.span().first(shape.rank() < 2 ? 0 : shape.rank() - 2));
}

/// A stored matrix (rows, columns) for each element of the batch.
struct Operand {
  Shape batch;
  std::int64_t rows, columns;
  bool transposed;

  Operand(const Shape& shape, bool transpose, bool is_row)
      : batch(batch_axes(shape)), transposed(transpose && shape.rank() > 1) {
    columns = shape.back();
    rows = shape.rank() > 1 ? shape[shape.rank() - 2] : 1;
    if (shape.rank() == 1 && !is_row) std::swap(rows, columns);
  }
  [[nodiscard]] std::int64_t outer() const { return transposed ? columns : rows; }
  [[nodiscard]] std::int64_t inner() const { return transposed ? rows : columns; }

  /// Start of the matrix that each element of `to` meets.
  [[nodiscard]] std::vector<std::int64_t> offsets(const Shape& to) const {
    const Strides strides = broadcast_strides(batch, to);
    std::vector<std::int64_t> result{0};
    for (std::size_t axis = 0; axis < to.rank(); ++axis) {
      std::vector<std::int64_t> next;
      for (const std::int64_t start : result) {
        for (std::int64_t i = 0; i < to[axis]; ++i)
          next.push_back(start + i * strides[axis] * rows * columns);
      }
      result = std::move(next);
    }
    return result;
  }
};

using ops::matmul;

/// matmul of checked Arrays.
Array matmul(const Array& a, const Array& b, const MatmulOptions& options) {
  const Operand left(a.shape(), options.transpose_a, true);
  const Operand right(b.shape(), options.transpose_b, false);
  const Shape batch = broadcast_shapes("matmul", left.batch, right.batch);
  const std::int64_t m = left.outer();
  const std::int64_t n = right.transposed ? right.rows : right.columns;
  Shape y_shape = batch;
  if (a.rank() > 1) y_shape.push_back(m);
  if (b.rank() > 1) y_shape.push_back(n);
  Array y = Array::empty(y_shape, a.dtype());
  if (y.size() == 0) return y;
  const std::vector<std::int64_t> a_offsets = left.offsets(batch);
  const std::vector<std::int64_t> b_offsets = right.offsets(batch);
  std::vector<std::int64_t> y_offsets;
  for (std::int64_t i = 0; i < batch.size(); ++i) y_offsets.push_back(i * m * n);
  dispatch_float(a.dtype(), "matmul", [&]<class T>() {
    fathom::detail::matrix_product<T>({batch.size(), m, n, left.inner()},
                                      {a.data<T>(), left.columns, a_offsets.data()}, left.transposed,
                                      {b.data<T>(), right.columns, b_offsets.data()}, right.transposed,
                                      {y.mutable_data<T>(), n, y_offsets.data()}, false);
  });
  return y;
}

class MatMul final : public Function {
 public:
  explicit MatMul(const MatmulOptions& options) : options_(options) {}

  [[nodiscard]] std::string_view name() const override { return "matmul"; }
  [[nodiscard]] Attributes attributes() const override {
    return {{"transpose_a", fmt::format("{}", options_.transpose_a)},
            {"transpose_b", fmt::format("{}", options_.transpose_b)}};
  }

  [[nodiscard]] std::int64_t multiply_adds(std::span<const Array> inputs,
                                           std::span<const Array> outputs) const override {
    return outputs[0].size() * Operand(inputs[0].shape(), options_.transpose_a, true).inner();
  }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    retain_inputs({0, 1});
    return {matmul(inputs[0], inputs[1], options_)};
  }

  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    const Variable a = input(0);
    const Variable b = input(1);
    return {wanted[0] ? gradient_a(gys[0], a, b) : Variable{},
            wanted[1] ? gradient_b(gys[0], a, b) : Variable{}};
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    const Array& a = input_array(0);
    const Array& b = input_array(1);
    if (wanted[0]) into[0].give(gradient_a(gys[0], a, b));
    if (wanted[1]) into[1].give(gradient_b(gys[0], a, b));
  }

 private:
  // The gradients are compiled twice, for Arrays and for Variables, which differentiates them again.

  template <class V>
  [[nodiscard]] V gradient_a(const V& gy, const V& a, const V& b) const {
    const V g = as_matrices(gy, a, b);
    const V column = b.rank() == 1 ? reshape(b, {b.size(), 1}) : b;
    const bool transposed = options_.transpose_b && b.rank() > 1;
    if (options_.transpose_a && a.rank() > 1) {
      return reduce(matmul(column, g, {.transpose_a = transposed, .transpose_b = true}), a.shape());
    }
    return reduce(matmul(g, column, {.transpose_b = !transposed}), a.shape());
  }

  template <class V>
  [[nodiscard]] V gradient_b(const V& gy, const V& a, const V& b) const {
    const V g = as_matrices(gy, a, b);
    const V row = a.rank() == 1 ? reshape(a, {1, a.size()}) : a;
    const bool transposed = options_.transpose_a && a.rank() > 1;
    if (options_.transpose_b && b.rank() > 1) {
      return reduce(matmul(g, row, {.transpose_a = true, .transpose_b = transposed}), b.shape());
    }
    return reduce(matmul(row, g, {.transpose_a = !transposed}), b.shape());
  }

  /// gy with the axes that one-axis operands had dropped.
  template <class V>
  [[nodiscard]] static V as_matrices(const V& gy, const V& a, const V& b) {
    if (a.rank() > 1 && b.rank() > 1) return gy;
    Shape shape(gy.shape().span().first(gy.rank() - (a.rank() > 1 ? 1 : 0) - (b.rank() > 1 ? 1 : 0)));
    shape.push_back(a.rank() > 1 ? gy.shape()[shape.rank()] : 1);
    shape.push_back(b.rank() > 1 ? gy.shape().back() : 1);
    return reshape(gy, shape);
  }

  /// Sums over the batch axes along which an operand was stretched.
  template <class V>
  [[nodiscard]] static V reduce(const V& gradient, const Shape& shape) {
    const std::size_t rank = gradient.rank();
    Shape matrices = batch_axes(shape);
    matrices.push_back(gradient.shape()[rank - 2]);
    matrices.push_back(gradient.shape()[rank - 1]);
    const V summed = gradient.shape() == matrices ? gradient : sum_to(gradient, matrices);
    return matrices == shape ? summed : reshape(summed, shape);
  }

  MatmulOptions options_;
};

void check_matmul(const Variable& a, const Variable& b, const MatmulOptions& options) {
  ArgumentCheck check("matmul");
  check.argument("a", detail::array_or_undefined(a), options.transpose_a ? "(..., k, m)" : "(..., m, k)");
  check.argument("b", detail::array_or_undefined(b), options.transpose_b ? "(..., n, k)" : "(..., k, n)");
  check.select("a").floating().select("b").same_dtype();
  FATHOM_CHECK(check.hint("multiply by a single number with *; a vector has one axis"),
               a.rank() > 0 && b.rank() > 0, ShapeError,
               "a and b must have at least one axis (a has {}, b has {})", a.rank(), b.rank());
  const Operand left(a.shape(), options.transpose_a, true);
  const Operand right(b.shape(), options.transpose_b, false);
  const std::int64_t k = right.transposed ? right.columns : right.rows;
  FATHOM_CHECK(check.hint("transpose_a and transpose_b take a matrix the other way round"), left.inner() == k,
               ShapeError, "a and b must agree in k (a has {}, b has {})", left.inner(), k);
  const std::size_t shared = std::min(left.batch.rank(), right.batch.rank());
  for (std::size_t axis = 1; axis <= shared; ++axis) {
    const std::int64_t size_a = left.batch[left.batch.rank() - axis];
    const std::int64_t size_b = right.batch[right.batch.rank() - axis];
    FATHOM_CHECK(
        check.hint("aligned at the end, their sizes must be equal or 1; reshape adds axes of size 1"),
        size_a == size_b || size_a == 1 || size_b == 1, ShapeError,
        "the axes before the last two must broadcast (a has {}, b has {})", to_string(left.batch),
        to_string(right.batch));
  }
}

}  // namespace

Variable matmul(const Variable& a, const Variable& b, const MatmulOptions& options) {
  check_matmul(a, b, options);
  return apply<MatMul>({a, b}, options);
}

}  // namespace fathom::ops

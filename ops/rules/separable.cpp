// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/rules/separable.hpp>

#include <algorithm>
#include <limits>

#include <fathom/core/threads.hpp>

namespace fathom::ops::detail {
namespace {

/// One row's sums for `inner` elements side by side, `x` being the first of them in column 0. Added up in
/// double, a block at a time, so that sums stay in the cache whatever `inner` is.
template <class T>
void add_up_row(const AxisMatrix& matrix, std::int64_t row, std::int64_t inner, const T* x, T* y) {
  constexpr std::int64_t kBlock = 64;
  const std::vector<AxisMatrix::Tap>& taps = matrix.rows[static_cast<std::size_t>(row)];
  const double start = taps.empty() ? matrix.of_nothing : 0;
  if (inner == 1) {
    double sum = start;
    for (const auto& [column, weight] : taps) sum += weight * static_cast<double>(x[column]);
    *y = static_cast<T>(sum);
    return;
  }
  for (std::int64_t first = 0; first < inner; first += kBlock) {
    const std::int64_t count = std::min(kBlock, inner - first);
    double sums[kBlock];
    std::fill_n(sums, count, start);
    for (const auto& [column, weight] : taps) {
      const T* from = x + column * inner + first;
      for (std::int64_t j = 0; j < count; ++j) sums[j] += weight * static_cast<double>(from[j]);
    }
    for (std::int64_t j = 0; j < count; ++j) y[first + j] = static_cast<T>(sums[j]);
  }
}

Array apply_along(const AxisMatrix& matrix, const Array& x, std::size_t axis) {
  constexpr std::int64_t kGrain = 1 << 13;  // multiply-adds
  Shape shape = x.shape();
  shape[axis] = static_cast<std::int64_t>(matrix.rows.size());
  Array y = Array::empty(shape, x.dtype());
  if (y.size() == 0) return y;
  std::int64_t inner = 1;
  for (std::size_t a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
  std::int64_t taps = 0;
  for (const auto& row : matrix.rows) taps += static_cast<std::int64_t>(row.size());
  const std::int64_t work = std::max<std::int64_t>(1, inner * taps / shape[axis]);
  dispatch_float(x.dtype(), "separable", [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    parallel_for(y.size() / inner, std::max<std::int64_t>(1, kGrain / work),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t line = begin; line < end; ++line) {
                     const std::int64_t outer = line / shape[axis];
                     add_up_row(matrix, line % shape[axis], inner, in + outer * matrix.columns * inner,
                                out + line * inner);
                   }
                 });
  });
  return y;
}

}  // namespace

void AxisMatrix::add_row(std::int64_t first, std::int64_t last, double weight) {
  std::vector<Tap>& taps = rows.emplace_back();
  for (std::int64_t column = first; column < last; ++column) taps.push_back({column, weight});
}

AxisMatrix AxisMatrix::transposed() const {
  AxisMatrix result{static_cast<std::int64_t>(rows.size()),
                    std::vector<std::vector<Tap>>(static_cast<std::size_t>(columns))};
  for (std::int64_t i = 0; i < result.columns; ++i) {
    for (const auto& [column, weight] : rows[static_cast<std::size_t>(i)])
      result.rows[static_cast<std::size_t>(column)].push_back({i, weight});
  }
  return result;
}

Array Separable::value(const Array& x) const {
  Array y = x;
  for (std::size_t i = 0; i < axes.size(); ++i) y = apply_along(axes[i], y, x.rank() - axes.size() + i);
  return y;
}

Separable Separable::transposed() const {
  Separable result{adjoint_name, name, {}, options};
  for (const AxisMatrix& matrix : axes) result.axes.push_back(matrix.transposed());
  return result;
}

AxisMatrix window_matrix(std::int64_t size, std::int64_t count, std::int64_t extent, std::int64_t stride,
                         std::int64_t before, WindowWeight weight) {
  const bool is_mean = weight == WindowWeight::inner_share;
  AxisMatrix matrix{size, {}, is_mean ? std::numeric_limits<double>::quiet_NaN() : 0};
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = std::max<std::int64_t>(0, i * stride - before);
    const std::int64_t last = std::min(size, i * stride - before + extent);
    const std::int64_t pixels = weight == WindowWeight::one ? 1 : is_mean ? last - first : extent;
    matrix.add_row(first, last, 1 / static_cast<double>(pixels));
  }
  return matrix;
}

}  // namespace fathom::ops::detail

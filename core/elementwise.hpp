// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <string_view>

#include <fathom/core/array.hpp>
#include <fathom/core/threads.hpp>

namespace fathom {

namespace detail {
/// Elements below which a loop is not worth a thread.
inline constexpr std::int64_t kElementGrain = 1 << 14;

/// A broadcast walk over two operands: the output cut into rows along which each operand has stride 0 or 1.
struct BroadcastRows {
  Shape outer;                          ///< axes that index the rows
  std::int64_t length = 1;              ///< elements of a row
  std::int64_t step_a = 0, step_b = 0;  ///< stride inside a row
  Strides stride_a{}, stride_b{};       ///< strides along `outer`
  /// Offsets of the operands' row `row`.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> offsets(std::int64_t row) const;
};
[[nodiscard]] FATHOM_EXPORT BroadcastRows broadcast_rows(const Shape& a, const Shape& b, const Shape& to);

/// Calls body(row, begin, end) for parts [begin, end) of rows, together all of them, shared out among
/// threads.
template <class Body>
void parallel_rows(const BroadcastRows& rows, const Body& body) {
  if (rows.outer.rank() == 0) {
    fathom::parallel_for(rows.length, kElementGrain,
                         [&](std::int64_t begin, std::int64_t end) { body(0, begin, end); });
    return;
  }
  const std::int64_t grain = std::max<std::int64_t>(1, kElementGrain / rows.length);
  fathom::parallel_for(rows.outer.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row, 0, rows.length);
  });
}

FATHOM_EXPORT void require_same_float(std::string_view op, const Array& a, const Array& b);
/// What `where` demands of its arguments.
FATHOM_EXPORT void check_where(const Array& condition, const Array& a, const Array& b);
}  // namespace detail

/// y[i] = f(x[i]) for float32 and float64; `f` takes and returns T. Throws DTypeError naming `op`.
template <class F>
[[nodiscard]] Array map(std::string_view op, const Array& x, F f) {
  Array y = Array::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), op, [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    parallel_for(x.size(), detail::kElementGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = f(in[i]);
    });
  });
  return y;
}

/// y = f(a, b) with NumPy's broadcasting, float32 or float64, both the same (DTypeError); ShapeError naming
/// `op` when the shapes do not broadcast.
template <class F>
[[nodiscard]] Array zip(std::string_view op, const Array& a, const Array& b, F f) {
  detail::require_same_float(op, a, b);
  Array y = Array::empty(broadcast_shapes(op, a.shape(), b.shape()), a.dtype());
  if (y.size() == 0) return y;
  const detail::BroadcastRows rows = detail::broadcast_rows(a.shape(), b.shape(), y.shape());
  dispatch_float(a.dtype(), op, [&]<class T>() {
    const T* in_a = a.data<T>();
    const T* in_b = b.data<T>();
    T* out = y.mutable_data<T>();
    const auto run = [&](const T* pa, const T* pb, T* to, std::int64_t n) {
      if (rows.step_a == 1 && rows.step_b == 1) {
        for (std::int64_t i = 0; i < n; ++i) to[i] = f(pa[i], pb[i]);
      } else if (rows.step_a == 1) {
        const T value = *pb;
        for (std::int64_t i = 0; i < n; ++i) to[i] = f(pa[i], value);
      } else {
        const T value = *pa;
        for (std::int64_t i = 0; i < n; ++i) to[i] = f(value, rows.step_b == 1 ? pb[i] : *pb);
      }
    };
    detail::parallel_rows(rows, [&](std::int64_t row, std::int64_t begin, std::int64_t end) {
      const auto [offset_a, offset_b] = rows.offsets(row);
      run(in_a + offset_a + begin * rows.step_a, in_b + offset_b + begin * rows.step_b,
          out + row * rows.length + begin, end - begin);
    });
  });
  return y;
}

/// target += source, same dtype and shape (else DTypeError, ShapeError).
FATHOM_EXPORT void add_into(Array& target, const Array& source);

/// Whether the elements of `a` and `b` are equal, a bool Array; NaN equals nothing. Same shape and dtype
/// (else ShapeError, DTypeError), any dtype.
[[nodiscard]] FATHOM_EXPORT Array equal(const Array& a, const Array& b);
/// a where `condition`, a bool Array, is true, and b elsewhere, all three broadcast together; a and b of one
/// dtype, whichever. Throws DTypeError, ShapeError.
[[nodiscard]] FATHOM_EXPORT Array where(const Array& condition, const Array& a, const Array& b);

/// The elements of `x` stretched to `shape` (a copy). Throws ShapeError naming both shapes.
[[nodiscard]] FATHOM_EXPORT Array broadcast_to(const Array& x, const Shape& shape);
/// Axes permuted (a copy); y's axis i is x's axis `axes[i]`. Throws ValueError when `axes` is no permutation.
[[nodiscard]] FATHOM_EXPORT Array transpose(const Array& x, std::span<const std::int64_t> axes);

}  // namespace fathom

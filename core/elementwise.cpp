// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/elementwise.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>

namespace fathom {
namespace detail {

BroadcastRows broadcast_rows(const Shape& a, const Shape& b, const Shape& to) {
  const Strides stride_a = broadcast_strides(a, to);
  const Strides stride_b = broadcast_strides(b, to);
  BroadcastRows rows;
  std::size_t axis = to.rank();
  while (axis > 0 && to[axis - 1] == 1) --axis;
  if (axis == 0) return rows;
  // The row grows over all axes that both operands walk with one stride, 0 or 1.
  rows.step_a = stride_a[axis - 1] == 0 ? 0 : 1;
  rows.step_b = stride_b[axis - 1] == 0 ? 0 : 1;
  for (; axis > 0; --axis) {
    const std::int64_t size = to[axis - 1];
    if (size != 1 &&
        (stride_a[axis - 1] != rows.step_a * rows.length || stride_b[axis - 1] != rows.step_b * rows.length))
      break;
    rows.length *= size;
  }
  for (std::size_t i = 0; i < axis; ++i) {
    rows.outer.push_back(to[i]);
    rows.stride_a[i] = stride_a[i];
    rows.stride_b[i] = stride_b[i];
  }
  return rows;
}

std::pair<std::int64_t, std::int64_t> BroadcastRows::offsets(std::int64_t row) const {
  std::int64_t offset_a = 0;
  std::int64_t offset_b = 0;
  for (std::size_t axis = outer.rank(); axis-- > 0;) {
    const std::int64_t i = row % outer[axis];
    row /= outer[axis];
    offset_a += i * stride_a[axis];
    offset_b += i * stride_b[axis];
  }
  return {offset_a, offset_b};
}

void require_same_float(std::string_view op, const Array& a, const Array& b) {
  ArgumentCheck(op)
      .argument("a", a)
      .argument("b", b)
      .select("a")
      .floating()
      .select("b")
      .floating()
      .same_dtype();
}

}  // namespace detail

void add_into(Array& target, const Array& source) {
  ArgumentCheck check("add_into");
  check.argument("target", target)
      .floating()
      .argument("source", source)
      .same_dtype()
      .shape(target.shape(), "that of target");
  dispatch_float(target.dtype(), "add_into", [&]<class T>() {
    const T* from = source.data<T>();
    T* to = target.mutable_data<T>();
    parallel_for(target.size(), detail::kElementGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] += from[i];
    });
  });
}

Array broadcast_to(const Array& x, const Shape& shape) {
  if (!broadcasts_to(x.shape(), shape)) {
    ArgumentCheck check("broadcast_to");
    check.argument("x", x).fail<ShapeError>(
        fmt::format("x does not stretch to {}", to_string(shape)),
        "aligned at the end, each size of x must be 1 or that of the result");
  }
  Array y = Array::empty(shape, x.dtype());
  if (y.size() == 0) return y;
  const detail::BroadcastRows rows = detail::broadcast_rows(x.shape(), x.shape(), shape);
  dispatch_all(x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    const std::int64_t grain = std::max<std::int64_t>(1, detail::kElementGrain / rows.length);
    parallel_for(rows.outer.size(), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T* from = in + rows.offsets(row).first;
        T* to = out + row * rows.length;
        for (std::int64_t i = 0; i < rows.length; ++i) to[i] = from[i * rows.step_a];
      }
    });
  });
  return y;
}

Array transpose(const Array& x, std::span<const std::int64_t> axes) {
  const std::vector<std::size_t> order = normalize_axes("transpose", axes, x.rank());
  ArgumentCheck check("transpose");
  check.argument("x", x);
  FATHOM_CHECK(check.hint("list all axes in their new order; negative ones count from the end"),
               order.size() == x.rank(), ValueError,
               "axes must name each of the {} axes once (they are [{}])", x.rank(), fmt::join(axes, ", "));
  const Strides from = contiguous_strides(x.shape());
  Shape shape;
  Strides strides{};
  for (std::size_t axis = 0; axis < order.size(); ++axis) {
    shape.push_back(x.shape()[order[axis]]);
    strides[axis] = from[order[axis]];
  }
  Array y = Array::empty(shape, x.dtype());
  if (y.size() == 0) return y;
  const std::size_t outer = shape.rank() == 0 ? 0 : shape.rank() - 1;
  const std::int64_t length = shape.rank() == 0 ? 1 : shape.back();
  const std::int64_t step = shape.rank() == 0 ? 0 : strides[outer];
  dispatch_all(x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    const std::int64_t grain = std::max<std::int64_t>(1, detail::kElementGrain / length);
    parallel_for(y.size() / length, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        std::int64_t offset = 0;
        std::int64_t rest = row;
        for (std::size_t axis = outer; axis-- > 0;) {
          offset += rest % shape[axis] * strides[axis];
          rest /= shape[axis];
        }
        for (std::int64_t i = 0; i < length; ++i) out[row * length + i] = in[offset + i * step];
      }
    });
  });
  return y;
}

}  // namespace fathom

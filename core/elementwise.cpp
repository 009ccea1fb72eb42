// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/elementwise.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/core/view.hpp>

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

void check_where(const Array& condition, const Array& a, const Array& b) {
  ArgumentCheck check("where");
  check.argument("condition", condition).argument("a", a).argument("b", b).defined();
  FATHOM_CHECK(check.hint("comparisons make bool arrays; numbers become one with astype(DType::boolean)"),
               condition.dtype() == DType::boolean, DTypeError, "condition must be bool (it is {})",
               to_string(condition.dtype()));
  FATHOM_CHECK(check.hint("types are never mixed silently; convert one with astype"), a.dtype() == b.dtype(),
               DTypeError, "b must have the dtype of a (a is {}, b is {})", to_string(a.dtype()),
               to_string(b.dtype()));
  check.broadcast();
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

Array equal(const Array& a, const Array& b) {
  ArgumentCheck("equal").argument("a", a).argument("b", b).same_dtype().shape(a.shape(), "that of a");
  Array y = Array::empty(a.shape(), DType::boolean);
  dispatch_all(a.dtype(), [&]<class T>() {
    parallel_for(y.size(), detail::kElementGrain,
                 [left = a.data<T>(), right = b.data<T>(), to = y.mutable_data<bool>()](std::int64_t begin,
                                                                                        std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) to[i] = left[i] == right[i];
                 });
  });
  return y;
}

namespace {

/// An operand of a flat loop over `shape`: itself if it is one number or has that shape, else stretched.
struct FlatOperand {
  FlatOperand(const Array& x, const Shape& shape)
      : array(x.size() == 1 || x.shape() == shape ? x : broadcast_to(x, shape)),
        step(x.size() == 1 ? 0 : 1) {}
  Array array;
  std::int64_t step;
};

}  // namespace

Array where(const Array& condition, const Array& a, const Array& b) {
  detail::check_where(condition, a, b);
  const Shape shape =
      broadcast_shapes("where", condition.shape(), broadcast_shapes("where", a.shape(), b.shape()));
  Array y = Array::empty(shape, a.dtype());
  if (y.size() == 0) return y;
  const FlatOperand chooser(condition, shape);
  const FlatOperand yes(a, shape);
  const FlatOperand no(b, shape);
  dispatch_all(y.dtype(), [&]<class T>() {
    const bool* choice = chooser.array.data<bool>();
    const T* from_a = yes.array.data<T>();
    const T* from_b = no.array.data<T>();
    T* to = y.mutable_data<T>();
    parallel_for(y.size(), detail::kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        to[i] = choice[i * chooser.step] ? from_a[i * yes.step] : from_b[i * no.step];
    });
  });
  return y;
}

Array broadcast_to(const Array& x, const Shape& shape) {
  if (!broadcasts_to(x.shape(), shape)) {
    ArgumentCheck check("broadcast_to");
    check.argument("x", x).fail<ShapeError>(
        fmt::format("x does not stretch to {}", to_string(shape)),
        "aligned at the end, each size of x must be 1 or that of the result");
  }
  return gather(x, View(x.shape()).stretched(shape));
}

Array transpose(const Array& x, std::span<const std::int64_t> axes) {
  ArgumentCheck check("transpose");
  check.argument("x", x);
  const std::vector<std::size_t> order = check.axes(axes, x.rank());
  FATHOM_CHECK(check.hint("list all axes in their new order; negative ones count from the end"),
               order.size() == x.rank(), ValueError,
               "axes must name each of the {} axes once (they are [{}])", x.rank(), fmt::join(axes, ", "));
  return gather(x, View(x.shape()).permuted(order));
}

}  // namespace fathom

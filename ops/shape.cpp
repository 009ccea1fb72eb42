// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/shape.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/core/view.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/linear_map.hpp>

namespace fathom::ops {

using detail::linear_map;

namespace {

/// Also under the names of the ops that give axes of size 1 or drop them.
struct Reshape {
  std::string_view name;
  Shape from, to;
  [[nodiscard]] Array value(const Array& x) const { return x.reshape(to); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return reshape(gy, from); }
  [[nodiscard]] Attributes attributes() const { return {{"shape", to_string(to)}}; }
};

struct Transpose {
  static constexpr std::string_view name = "transpose";
  Axes axes, inverse;
  [[nodiscard]] Array value(const Array& x) const { return fathom::transpose(x, axes); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return transpose(gy, inverse); }
  [[nodiscard]] Attributes attributes() const {
    return {{"axes", fmt::format("[{}]", fmt::join(axes, ", "))}};
  }
};

struct BroadcastTo {
  static constexpr std::string_view name = "broadcast_to";
  Shape from, to;
  [[nodiscard]] Array value(const Array& x) const { return fathom::broadcast_to(x, to); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return sum_to(gy, from); }
  [[nodiscard]] Attributes attributes() const { return {{"shape", to_string(to)}}; }
};

struct SumTo {
  static constexpr std::string_view name = "sum_to";
  Shape from, to;
  [[nodiscard]] Array value(const Array& x) const { return fathom::sum_to(x, to); }
  [[nodiscard]] auto adjoint(const auto& gy) const { return broadcast_to(gy, from); }
  [[nodiscard]] Attributes attributes() const { return {{"shape", to_string(to)}}; }
};

}  // namespace

Variable reshape(const Variable& x, std::span<const std::int64_t> sizes) {
  detail::check_defined("reshape", x);
  return linear_map(x, Reshape{"reshape", x.shape(), x.data().reshape(sizes).shape()});
}

Variable expand_dims(const Variable& x, std::int64_t axis) {
  ArgumentCheck check("expand_dims");
  check.argument("x", detail::array_or_undefined(x)).defined();
  const std::size_t position = check.axis(axis, x.rank() + 1);
  return linear_map(x, Reshape{"expand_dims", x.shape(), View(x.shape()).expanded(position).shape()});
}

Variable squeeze(const Variable& x, const std::optional<Axes>& axes) {
  ArgumentCheck check("squeeze");
  check.argument("x", detail::array_or_undefined(x)).defined();
  std::vector<std::size_t> dropped;
  if (axes) dropped = check.axes(*axes, x.rank());
  Shape shape;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    const std::int64_t size = x.shape()[axis];
    const bool named = std::find(dropped.begin(), dropped.end(), axis) != dropped.end();
    FATHOM_CHECK(check.hint("get_item with an integer drops an axis of another size"), !named || size == 1,
                 ShapeError, "only axes of size 1 can be dropped (axis {} has size {})", axis, size);
    if (axes ? !named : size != 1) shape.push_back(size);
  }
  return linear_map(x, Reshape{"squeeze", x.shape(), shape});
}

Variable transpose(const Variable& x, const std::optional<Axes>& axes) {
  ArgumentCheck check(Transpose::name);
  check.argument("x", detail::array_or_undefined(x)).defined();
  Axes order(x.rank());
  std::iota(order.rbegin(), order.rend(), 0);
  if (axes) order = *axes;
  Axes inverse(x.rank());
  std::int64_t position = 0;
  for (const std::size_t axis : check.axes(order, x.rank())) inverse[axis] = position++;
  return linear_map(x, Transpose{std::move(order), std::move(inverse)});
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  detail::check_defined(BroadcastTo::name, x);
  return linear_map(x, BroadcastTo{x.shape(), shape});
}

Variable sum_to(const Variable& x, const Shape& shape) {
  detail::check_defined(SumTo::name, x);
  return linear_map(x, SumTo{x.shape(), shape});
}

}  // namespace fathom::ops

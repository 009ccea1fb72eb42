// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/shape.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/movement.hpp>

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

/// Also under the names of the ops that move an axis or two.
struct Transpose {
  std::string_view name;
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

using Order = std::vector<std::size_t>;  // y's axis i is x's axis order[i]

Order unchanged(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

/// Axis from[i] in place to[i], and the others as they follow.
Order moved(std::size_t rank, const Order& from, const Order& to) {
  Order order;
  for (std::size_t place = 0, next = 0; place < rank; ++place) {
    const auto arrival = std::find(to.begin(), to.end(), place);
    if (arrival != to.end()) {
      order.push_back(from[static_cast<std::size_t>(arrival - to.begin())]);
    } else {
      while (std::find(from.begin(), from.end(), next) != from.end()) ++next;
      order.push_back(next++);
    }
  }
  return order;
}

Variable permuted(std::string_view op, const Variable& x, const Order& order) {
  Transpose rule{op, Axes(order.begin(), order.end()), Axes(order.size())};
  for (std::size_t i = 0; i < order.size(); ++i) rule.inverse[order[i]] = static_cast<std::int64_t>(i);
  return linear_map(x, std::move(rule));
}

}  // namespace

Variable reshape(const Variable& x, std::span<const std::int64_t> sizes) {
  detail::check_defined("reshape", x);
  return linear_map(x, Reshape{"reshape", x.shape(), x.data().reshape(sizes).shape()});
}

Variable flatten(const Variable& x) {
  detail::check_defined("flatten", x);
  return linear_map(x, Reshape{"flatten", x.shape(), {x.size()}});
}

Variable expand_dims(const Variable& x, std::int64_t axis) {
  const ArgumentCheck check = detail::check_defined("expand_dims", x);
  const std::size_t position = check.axis(axis, x.rank() + 1);
  return linear_map(x, Reshape{"expand_dims", x.shape(), View(x.shape()).expanded(position).shape()});
}

Variable squeeze(const Variable& x, const std::optional<Axes>& axes) {
  const ArgumentCheck check = detail::check_defined("squeeze", x);
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
  const ArgumentCheck check = detail::check_defined("transpose", x);
  Order order = unchanged(x.rank());
  std::reverse(order.begin(), order.end());
  if (axes) order = check.axes(*axes, x.rank());
  FATHOM_CHECK(check.hint("list all axes in their new order; negative ones count from the end"),
               order.size() == x.rank(), ValueError,
               "axes must name each of the {} axes once (they are [{}])", x.rank(), fmt::join(order, ", "));
  return permuted("transpose", x, order);
}

Variable moveaxis(const Variable& x, const Axes& source, const Axes& destination) {
  const ArgumentCheck check = detail::check_defined("moveaxis", x);
  FATHOM_CHECK(check.hint("each axis of source goes to the place that stands beside it in destination"),
               source.size() == destination.size(), ValueError,
               "source and destination must name as many axes ([{}] against [{}])", fmt::join(source, ", "),
               fmt::join(destination, ", "));
  const Order from = check.axes(source, x.rank());
  const Order to = check.axes(destination, x.rank());
  return permuted("moveaxis", x, moved(x.rank(), from, to));
}

Variable rollaxis(const Variable& x, std::int64_t axis, std::int64_t start) {
  const ArgumentCheck check = detail::check_defined("rollaxis", x);
  const std::size_t from = check.axis(axis, x.rank());
  const auto rank = static_cast<std::int64_t>(x.rank());
  FATHOM_CHECK(check.hint("the axis is put before that axis; the rank puts it last"),
               start >= -rank && start <= rank, ValueError, "start must lie in [{}, {}] (it is {})", -rank,
               rank, start);
  const auto before = static_cast<std::size_t>(start < 0 ? start + rank : start);
  return permuted("rollaxis", x, moved(x.rank(), {from}, {from < before ? before - 1 : before}));
}

Variable swapaxes(const Variable& x, std::int64_t axis1, std::int64_t axis2) {
  const ArgumentCheck check = detail::check_defined("swapaxes", x);
  Order order = unchanged(x.rank());
  std::swap(order[check.axis(axis1, x.rank())], order[check.axis(axis2, x.rank())]);
  return permuted("swapaxes", x, order);
}

Variable flip(const Variable& x, std::int64_t axis) {
  const ArgumentCheck check = detail::check_defined("flip", x);
  const std::size_t along = check.axis(axis, x.rank());
  const std::int64_t size = x.shape()[along];
  View reversed = View(x.shape()).sliced(along, size - 1, size, -1);
  return linear_map(x, detail::Gather{"flip", {std::move(reversed)}, {{"axis", fmt::format("{}", axis)}}})[0];
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

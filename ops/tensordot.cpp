// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/tensordot.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/matmul.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops {
namespace {

ArgumentCheck check_factors(const Variable& a, const Variable& b) {
  ArgumentCheck check("tensordot");
  check.argument("a", detail::array_or_undefined(a))
      .argument("b", detail::array_or_undefined(b))
      .same_dtype();
  return check;
}

/// The axes of `x` that are not `named`.
Axes others(const Variable& x, const std::vector<std::size_t>& named) {
  Axes axes;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    if (std::find(named.begin(), named.end(), axis) == named.end())
      axes.push_back(static_cast<std::int64_t>(axis));
  }
  return axes;
}

/// `x` with its axes in the order of `rows`, then `columns`, each merged to one.
Variable as_matrix(const Variable& x, Axes rows, const Axes& columns) {
  const auto merged = [&](const Axes& axes) {
    return std::accumulate(axes.begin(), axes.end(), std::int64_t{1},
                           [&](std::int64_t size, std::int64_t axis) { return size * x.shape(axis); });
  };
  const Shape shape{merged(rows), merged(columns)};
  rows.insert(rows.end(), columns.begin(), columns.end());
  return reshape(std::is_sorted(rows.begin(), rows.end()) ? x : transpose(x, rows), shape);
}

}  // namespace

Variable tensordot(const Variable& a, const Variable& b, const Axes& a_axes, const Axes& b_axes) {
  const ArgumentCheck check = check_factors(a, b);
  FATHOM_CHECK(check.hint("the axes of a and b are added over in pairs"), a_axes.size() == b_axes.size(),
               ValueError, "a_axes and b_axes must be as many (a_axes are {}, b_axes are {})", a_axes.size(),
               b_axes.size());
  const std::vector<std::size_t> in_a = check.axes(a_axes, a.rank());
  const std::vector<std::size_t> in_b = check.axes(b_axes, b.rank());
  for (std::size_t i = 0; i < in_a.size(); ++i) {
    FATHOM_CHECK(check.hint("name the axes in pairs: the first of a_axes goes with the first of b_axes"),
                 a.shape()[in_a[i]] == b.shape()[in_b[i]], ShapeError,
                 "axis {} of a and axis {} of b must have one size ({} against {})", in_a[i], in_b[i],
                 a.shape()[in_a[i]], b.shape()[in_b[i]]);
  }
  const Axes free_a = others(a, in_a);
  const Axes free_b = others(b, in_b);
  Shape shape;
  for (const std::int64_t axis : free_a) shape.push_back(a.shape(axis));
  for (const std::int64_t axis : free_b) shape.push_back(b.shape(axis));
  const Variable rows = as_matrix(a, free_a, Axes(in_a.begin(), in_a.end()));
  const Variable columns = as_matrix(b, Axes(in_b.begin(), in_b.end()), free_b);
  return reshape(matmul(rows, columns), shape);
}

Variable tensordot(const Variable& a, const Variable& b, std::int64_t axes) {
  const ArgumentCheck check = check_factors(a, b);
  const auto most = static_cast<std::int64_t>(std::min(a.rank(), b.rank()));
  FATHOM_CHECK(check.hint("so many last axes of a meet the first ones of b; 1 is the matrix product"),
               axes >= 0 && axes <= most, ValueError, "axes must lie in [0, {}] (it is {})", most, axes);
  Axes in_a(static_cast<std::size_t>(axes)), in_b(static_cast<std::size_t>(axes));
  std::iota(in_a.begin(), in_a.end(), static_cast<std::int64_t>(a.rank()) - axes);
  std::iota(in_b.begin(), in_b.end(), std::int64_t{0});
  return tensordot(a, b, in_a, in_b);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/joining.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/movement.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops {
namespace {

using detail::Views;

Arrays arrays_of(const Variables& xs) {
  Arrays arrays;
  for (const Variable& x : xs) arrays.push_back(detail::array_or_undefined(x));
  return arrays;
}

Attributes axis_attribute(std::int64_t axis) { return {{"axis", fmt::format("{}", axis)}}; }

/// Of the first array, which there must be.
std::size_t checked_rank(std::string_view op, const Arrays& xs) {
  ArgumentCheck check(op);
  FATHOM_CHECK(check.hint("with nothing to join, the result has no shape and no dtype"), !xs.empty(),
               ValueError, "xs must have at least one element");
  check.argument("xs[0]", xs[0]).defined();
  return xs[0].rank();
}

/// All must have the dtype and the sizes of the first, but for the size of `free_axis`.
void check_alike(std::string_view op, const Arrays& xs, std::optional<std::size_t> free_axis) {
  for (std::size_t k = 1; k < xs.size(); ++k) {
    const std::string name = fmt::format("xs[{}]", k);
    ArgumentCheck check(op);
    check.argument("xs[0]", xs[0]).argument(name, xs[k]).same_dtype();
    FATHOM_CHECK(check.hint("reshape or expand_dims gives it the right number of axes"),
                 xs[k].rank() == xs[0].rank(), ShapeError,
                 "{} must have as many axes as xs[0] ({} against {})", name, xs[k].rank(), xs[0].rank());
    for (std::size_t axis = 0; axis < xs[k].rank(); ++axis) {
      FATHOM_CHECK(check.hint(free_axis ? "only along the axis where they are joined may sizes differ"
                                        : "stack needs equal shapes; concat joins along an axis that exists"),
                   axis == free_axis || xs[k].shape()[axis] == xs[0].shape()[axis], ShapeError,
                   "axis {} of {} must have the size it has in xs[0] ({} against {})", axis, name,
                   xs[k].shape()[axis], xs[0].shape()[axis]);
    }
  }
}

/// Parts of `base` along `axis` that end before each of `ends`.
Views parts(const Shape& base, std::size_t axis, std::span<const std::int64_t> ends) {
  Views views;
  std::int64_t start = 0;
  for (const std::int64_t end : ends) {
    views.push_back(View(base).sliced(axis, start, end - start));
    start = end;
  }
  return views;
}

Views concat_views(std::string_view op, const Arrays& xs, std::int64_t axis_from_either_end) {
  const std::size_t rank = checked_rank(op, xs);
  ArgumentCheck check(op);
  const std::size_t axis = check.argument("xs[0]", xs[0]).axis(axis_from_either_end, rank);
  check_alike(op, xs, axis);
  std::vector<std::int64_t> ends;
  for (const Array& x : xs)
    ends.push_back(detail::checked_sum(check, axis, {ends.empty() ? 0 : ends.back(), x.shape()[axis]}));
  Shape base = xs[0].shape();
  base[axis] = ends.back();
  return parts(base, axis, ends);
}

Views stack_views(std::string_view op, const Arrays& xs, std::int64_t axis_from_either_end) {
  const std::size_t rank = checked_rank(op, xs);
  ArgumentCheck check(op);
  const std::size_t axis = check.argument("xs[0]", xs[0]).axis(axis_from_either_end, rank + 1);
  check_alike(op, xs, std::nullopt);
  const auto count = static_cast<std::int64_t>(xs.size());
  const Shape base = View(xs[0].shape()).expanded(axis).sliced(axis, 0, count).shape();
  Views views;
  for (std::int64_t k = 0; k < count; ++k) views.push_back(View(base).selected(axis, k));
  return views;
}

Views split_views(const Array& x, std::vector<std::int64_t> indices, std::int64_t axis_from_either_end) {
  ArgumentCheck check("split_axis");
  check.argument("x", x).defined();
  const std::size_t axis = check.axis(axis_from_either_end, x.rank());
  const std::int64_t size = x.shape()[axis];
  FATHOM_CHECK(check.hint("each index is where a part begins; equal ones give empty parts"),
               std::is_sorted(indices.begin(), indices.end()) &&
                   (indices.empty() || (indices.front() >= 0 && indices.back() <= size)),
               ValueError, "indices must ascend and lie in [0, {}], the size of axis {} (they are [{}])",
               size, axis, fmt::join(indices, ", "));
  indices.push_back(size);
  return parts(x.shape(), axis, indices);
}

Views section_views(const Array& x, std::int64_t sections, std::int64_t axis) {
  ArgumentCheck check("split_axis");
  check.argument("x", x).defined();
  const std::size_t along = check.axis(axis, x.rank());
  const std::int64_t size = x.shape()[along];
  FATHOM_CHECK(check.hint("give the indices where the parts begin to cut into unequal ones"),
               sections > 0 && size % sections == 0, ValueError,
               "sections must divide axis {}, which has size {} (they are {})", along, size, sections);
  std::vector<std::int64_t> indices;
  for (std::int64_t k = 1; k < sections; ++k) indices.push_back(k * (size / sections));
  return split_views(x, std::move(indices), axis);
}

Views separate_views(const Array& x, std::int64_t axis_from_either_end) {
  ArgumentCheck check("separate");
  check.argument("x", x).defined();
  const std::size_t axis = check.axis(axis_from_either_end, x.rank());
  const std::int64_t size = x.shape()[axis];
  FATHOM_CHECK(check.hint("leave empty arrays out"), size > 0, ValueError,
               "axis {} must have elements to separate (it has size 0)", axis);
  Views views;
  for (std::int64_t k = 0; k < size; ++k) views.push_back(View(x.shape()).selected(axis, k));
  return views;
}

Variable join(std::string_view op, const Variables& xs, Views views, std::int64_t axis) {
  return linear_map(std::span<const Variable>(xs),
                    detail::Scatter{op, std::move(views), axis_attribute(axis)});
}

Variable concat(std::string_view op, const Variables& xs, std::int64_t axis) {
  return join(op, xs, concat_views(op, arrays_of(xs), axis), axis);
}
Variable stack(std::string_view op, const Variables& xs, std::int64_t axis) {
  return join(op, xs, stack_views(op, arrays_of(xs), axis), axis);
}

Variables split(std::string_view op, const Variable& x, Views views, std::int64_t axis) {
  return linear_map(x, detail::Gather{op, std::move(views), axis_attribute(axis)});
}

}  // namespace

Variable concat(const Variables& xs, std::int64_t axis) { return concat("concat", xs, axis); }
Array concat(const Arrays& xs, std::int64_t axis) {
  return detail::scatter(xs, concat_views("concat", xs, axis));
}

Variable stack(const Variables& xs, std::int64_t axis) { return stack("stack", xs, axis); }
Array stack(const Arrays& xs, std::int64_t axis) {
  return detail::scatter(xs, stack_views("stack", xs, axis));
}

Variable hstack(const Variables& xs) {
  const std::size_t rank = checked_rank("hstack", arrays_of(xs));
  return rank == 0 ? stack("hstack", xs, 0) : concat("hstack", xs, rank == 1 ? 0 : 1);
}

Variable vstack(const Variables& xs) {
  const std::size_t rank = checked_rank("vstack", arrays_of(xs));
  if (rank >= 2) return concat("vstack", xs, 0);
  const Variable rows = stack("vstack", xs, 0);
  return rank == 1 ? rows : expand_dims(rows, 1);
}

Variables separate(const Variable& x, std::int64_t axis) {
  return split("separate", x, separate_views(detail::array_or_undefined(x), axis), axis);
}

Variables split_axis(const Variable& x, const std::vector<std::int64_t>& indices, std::int64_t axis) {
  return split("split_axis", x, split_views(detail::array_or_undefined(x), indices, axis), axis);
}
Arrays split_axis(const Array& x, const std::vector<std::int64_t>& indices, std::int64_t axis) {
  return detail::gather(x, split_views(x, indices, axis));
}
Variables detail::split_sections(const Variable& x, std::int64_t sections, std::int64_t axis) {
  return split("split_axis", x, section_views(array_or_undefined(x), sections, axis), axis);
}
Arrays detail::split_sections(const Array& x, std::int64_t sections, std::int64_t axis) {
  return gather(x, section_views(x, sections, axis));
}

}  // namespace fathom::ops

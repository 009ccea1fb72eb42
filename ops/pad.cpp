// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/pad.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/rules/movement.hpp>

namespace fathom::ops {
namespace {

const PadWidth& width_of(const std::vector<PadWidth>& widths, std::size_t axis) {
  return widths[widths.size() == 1 ? 0 : axis];
}

/// The shape of the result.
Shape check(const Variable& x, const std::vector<PadWidth>& widths) {
  const ArgumentCheck check = detail::check_defined("pad", x);
  FATHOM_CHECK(check.hint("give {before, after} for each axis, or one pair for all"),
               widths.size() == 1 || widths.size() == x.rank(), ValueError,
               "widths must have {}, one for each axis of x (they have {})",
               x.rank() == 1 ? "1 pair" : fmt::format("1 or {} pairs", x.rank()), widths.size());
  for (const PadWidth& width : widths) {
    FATHOM_CHECK(check.hint("get_item cuts elements off"), width.before >= 0 && width.after >= 0, ValueError,
                 "widths must not be negative (one is {{{}, {}}})", width.before, width.after);
  }
  Shape shape = x.shape();
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    const PadWidth& width = width_of(widths, axis);
    shape[axis] = detail::checked_sum(check, axis, {width.before, shape[axis], width.after});
  }
  return shape;
}

}  // namespace

Variable pad(const Variable& x, const std::vector<PadWidth>& widths, const PadOptions& options) {
  const Shape shape = check(x, widths);
  View view(shape);
  for (std::size_t axis = 0; axis < x.rank(); ++axis)
    view = view.sliced(axis, width_of(widths, axis).before, x.shape()[axis]);
  return linear_map(
      x, detail::Scatter{"pad",
                         {std::move(view)},
                         {{"shape", to_string(shape)}, {"value", fmt::format("{}", options.value)}},
                         options.value});
}

}  // namespace fathom::ops

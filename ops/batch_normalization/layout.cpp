// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/batch_normalization/layout.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace fathom::ops::batch_norm {

namespace {

Axes averaged_axes(const ArgumentCheck& check, const Array& x, const Array& gamma,
                   const std::optional<Axes>& axis) {
  Axes result;
  if (axis) {
    for (const std::size_t a : check.axes(*axis, x.rank())) result.push_back(static_cast<std::int64_t>(a));
    std::sort(result.begin(), result.end());
    return result;
  }
  if (x.rank() < 2) {
    check.fail<ShapeError>(fmt::format("x must have at least 2 axes (it has {})", x.rank()),
                           "axis 1 holds the channels; name the averaged axes with .axis");
  }
  const std::size_t last_channel = std::max<std::size_t>(1, gamma.rank());
  for (std::size_t a = 0; a < x.rank(); ++a) {
    if (a == 0 || a > last_channel) result.push_back(static_cast<std::int64_t>(a));
  }
  return result;
}

}  // namespace

Plan check_plan(ArgumentCheck& check, const Array& x, const Array& gamma, const std::optional<Axes>& axis) {
  check.select("x").floating();
  Plan plan;
  const Axes averaged = averaged_axes(check, x, gamma, axis);
  Axes kept;
  for (std::int64_t a = 0; a < static_cast<std::int64_t>(x.rank()); ++a) {
    if (std::find(averaged.begin(), averaged.end(), a) == averaged.end()) kept.push_back(a);
  }
  Layout& layout = plan.layout;
  for (const std::int64_t a : kept) layout.channels.push_back(x.shape(a));
  layout.geometry.channels = layout.channels.size();

  const bool together =
      kept.empty() || kept.back() - kept.front() + 1 == static_cast<std::int64_t>(kept.size());
  if (together) {
    const std::int64_t first = kept.empty() ? 0 : kept.front();
    for (const std::int64_t a : averaged) {
      (!kept.empty() && a < first ? layout.geometry.outer : layout.geometry.inner) *= x.shape(a);
    }
    layout.averaged = averaged;
  } else {
    plan.order = kept;
    for (const std::int64_t a : averaged) {
      layout.averaged.push_back(static_cast<std::int64_t>(plan.order.size()));
      plan.order.push_back(a);
      layout.geometry.inner *= x.shape(a);
    }
  }
  for (std::int64_t a = 0; a < static_cast<std::int64_t>(x.rank()); ++a) {
    const bool mean = std::find(layout.averaged.begin(), layout.averaged.end(), a) != layout.averaged.end();
    const std::int64_t source = together ? a : plan.order[static_cast<std::size_t>(a)];
    layout.wide.push_back(mean ? 1 : x.shape(source));
  }
  return plan;
}

std::string_view axis_names(const Array& x, const std::optional<Axes>& axis) {
  if (axis || !x.defined()) return {};
  if (x.rank() == 2) return "(n, c)";
  return x.rank() == 4 ? "(n, c, h, w)" : "(n, c, d...)";
}

void check_channels(ArgumentCheck& check, std::string_view name, const Plan& plan) {
  check.select(name).same_dtype().shape(plan.layout.channels, "that of x without the averaged axes");
}

void check_residual(ArgumentCheck& check, const Array& x) {
  check.select("residual").same_dtype().shape(x.shape(), "that of x");
}

void check_eps(const ArgumentCheck& check, double eps) {
  FATHOM_CHECK(check.hint("eps keeps the variance away from 0; 2e-5 is usual"), eps >= 0, ValueError,
               "eps must be at least 0 (it is {})", eps);
}

}  // namespace fathom::ops::batch_norm

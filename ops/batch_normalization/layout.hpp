// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <fathom/core/check.hpp>
#include <fathom/ops/batch_normalization/passes.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops::batch_norm {

/// How the axes of x fall into averaged ones and channels; the channels lie side by side.
struct Layout {
  Geometry geometry;
  Shape channels;  ///< of gamma
  Shape wide;      ///< the same with size 1 for averaged axes: broadcasts against x
  Axes averaged;
};

/// Layout of x, or, where averaged axes lie between channels, of x with its axes in `order`.
struct Plan {
  Layout layout;
  Axes order;  ///< channels first; empty: x as it is

  /// f(inputs, layout): x is the first input, and the residual, if defined, joins them as the last. The two
  /// are transposed and the result back where needed.
  template <class F>
  [[nodiscard]] Variable run(Variables inputs, const Variable& residual, F f) const {
    if (residual.defined()) inputs.push_back(residual);
    if (order.empty()) return f(std::span<const Variable>(inputs), layout);
    Axes back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
    inputs.front() = transpose(inputs.front(), order);
    if (residual.defined()) inputs.back() = transpose(residual, order);
    return transpose(f(std::span<const Variable>(inputs), layout), back);
  }
};

/// Checks "x" of `check` and the axes, which gamma's rank decides where they are not named. Throws
/// ShapeError, DTypeError, ValueError.
[[nodiscard]] Plan check_plan(ArgumentCheck& check, const Array& x, const Array& gamma,
                              const std::optional<Axes>& axis);

/// Names of the axes of x, and of arguments with one value for each channel, for messages; empty when
/// unknown.
[[nodiscard]] std::string_view axis_names(const Array& x, const std::optional<Axes>& axis);
[[nodiscard]] inline std::string_view channel_axis_names(const std::optional<Axes>& axis) {
  return axis ? "" : "(c)";
}

/// The argument `name` must have one value for each channel.
void check_channels(ArgumentCheck& check, std::string_view name, const Plan& plan);

/// The argument "residual" must be like x.
void check_residual(ArgumentCheck& check, const Array& x);

/// eps must not be negative or NaN.
void check_eps(const ArgumentCheck& check, double eps);

}  // namespace fathom::ops::batch_norm

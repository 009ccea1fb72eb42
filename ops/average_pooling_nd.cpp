// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/average_pooling_nd.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/rules/separable.hpp>

namespace fathom::ops {
namespace {

constexpr std::string_view kName = "average_pooling_nd";
using Numbers = std::vector<std::int64_t>;

/// The option with a number for each of `axes` spatial axes.
Numbers for_each_axis(const ArgumentCheck& check, std::string_view name, const Numbers& option,
                      std::size_t axes) {
  FATHOM_CHECK(check.hint("give one number for each axis after n and c, or one for all"),
               option.size() == 1 || option.size() == axes, ValueError, "{} must have {} (it has {})", name,
               axes == 1 ? "1 number" : fmt::format("1 or {} numbers", axes), option.size());
  return option.size() == axes ? option : Numbers(axes, option[0]);
}

std::vector<detail::AxisMatrix> check(const Variable& x, const AveragePoolingNDOptions& options) {
  ArgumentCheck check(kName);
  check.argument("x", detail::array_or_undefined(x), "(n, c, d1, ...)").floating();
  FATHOM_CHECK(check.hint("a window moves over the axes after n and c"), x.rank() >= 3, ShapeError,
               "x must have at least 3 axes (n, c, d1, ...) (it has {})", x.rank());
  const std::size_t axes = x.rank() - 2;
  const Numbers kernel = for_each_axis(check, "kernel", options.kernel, axes);
  const Numbers stride =
      options.stride.empty() ? kernel : for_each_axis(check, "stride", options.stride, axes);
  const Numbers pad = for_each_axis(check, "pad", options.pad, axes);
  std::vector<detail::AxisMatrix> matrices;
  for (std::size_t i = 0; i < axes; ++i) {
    detail::check_pixels(check, "kernel", kernel[i], 1, "1 is a window of one element");
    detail::check_window(check, {.stride = stride[i], .pad = pad[i]});
    const std::int64_t size = x.shape()[2 + i];
    const std::int64_t count = detail::window_positions(size, kernel[i], stride[i], pad[i]);
    FATHOM_CHECK(check.hint("make the kernel smaller or the pad larger"), count > 0, ShapeError,
                 "a window must fit the padded x (axis {} has {}, kernel {}, pad {})", 2 + i, size, kernel[i],
                 pad[i]);
    matrices.push_back(detail::window_matrix(
        size, count, kernel[i], stride[i], pad[i],
        options.count_include_pad ? detail::WindowWeight::share : detail::WindowWeight::inner_share));
  }
  return matrices;
}

}  // namespace

Variable average_pooling_nd(const Variable& x, const AveragePoolingNDOptions& options) {
  std::vector<detail::AxisMatrix> matrices = check(x, options);
  const auto text = [](const Numbers& numbers) { return fmt::format("[{}]", fmt::join(numbers, ", ")); };
  return detail::linear_map(
      x, detail::Separable{kName,
                           "average_pooling_nd_grad",
                           std::move(matrices),
                           {{"kernel", text(options.kernel)},
                            {"stride", text(options.stride.empty() ? options.kernel : options.stride)},
                            {"pad", text(options.pad)},
                            {"count_include_pad", fmt::format("{}", options.count_include_pad)}}});
}

}  // namespace fathom::ops

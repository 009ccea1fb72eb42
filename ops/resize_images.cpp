// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/resize_images.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/rules/separable.hpp>

namespace fathom::ops {
namespace {

constexpr std::string_view kName = "resize_images";

/// A place along an axis, numerator / denominator: whole numbers, so that a pixel hit exactly has all the
/// weight.
struct Place {
  std::int64_t numerator, denominator;
};

Place place_of(std::int64_t i, std::int64_t from, std::int64_t to, const ResizeImagesOptions& options) {
  if (options.mode == Interpolation::nearest) return {i * from / to, 1};
  if (options.align_corners) return {i * (from - 1), std::max<std::int64_t>(1, to - 1)};
  return {std::max<std::int64_t>(0, (2 * i + 1) * from - to), 2 * to};
}

detail::AxisMatrix resize_matrix(std::int64_t from, std::int64_t to, const ResizeImagesOptions& options) {
  detail::AxisMatrix matrix{from, {}};
  for (std::int64_t i = 0; i < to; ++i) {
    const auto [numerator, denominator] = place_of(i, from, to, options);
    const std::int64_t first = numerator / denominator;
    const double rest = static_cast<double>(numerator % denominator) / static_cast<double>(denominator);
    if (rest == 0 || first + 1 == from) {
      matrix.add_row(first, first + 1, 1);
    } else {
      matrix.rows.push_back({{first, 1 - rest}, {first + 1, rest}});
    }
  }
  return matrix;
}

}  // namespace

std::string_view to_string(Interpolation mode) {
  return mode == Interpolation::bilinear ? "bilinear" : "nearest";
}

Variable resize_images(const Variable& x, Pair2 size, const ResizeImagesOptions& options) {
  ArgumentCheck check(kName);
  check.argument("x", detail::array_or_undefined(x), "(n, c, h, w)").rank(4).floating();
  const Pair2 plane = detail::checked_plane(check, x.shape());
  detail::check_pixels(check, "size", size, 1, "it is that of the result, (hO, wO)");
  return detail::linear_map(
      x, detail::Separable{kName,
                           "resize_images_grad",
                           {resize_matrix(plane.y, size.y, options), resize_matrix(plane.x, size.x, options)},
                           {{"size", to_string(size)},
                            {"mode", std::string(to_string(options.mode))},
                            {"align_corners", fmt::format("{}", options.align_corners)}}});
}

}  // namespace fathom::ops

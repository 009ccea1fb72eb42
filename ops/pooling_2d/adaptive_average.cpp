// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/pooling_2d.hpp>
#include <fathom/ops/rules/separable.hpp>

namespace fathom::ops {
namespace {

constexpr std::string_view kName = "adaptive_average_pooling_2d";

/// Bin i begins at i * size / bins, rounded down, and ends at (i + 1) * size / bins, rounded up.
detail::AxisMatrix bin_matrix(std::int64_t size, std::int64_t bins) {
  detail::AxisMatrix matrix{size, {}};
  for (std::int64_t i = 0; i < bins; ++i) {
    const std::int64_t first = i * size / bins;
    const std::int64_t last = ((i + 1) * size + bins - 1) / bins;
    matrix.add_row(first, last, 1 / static_cast<double>(last - first));
  }
  return matrix;
}

}  // namespace

Variable adaptive_average_pooling_2d(const Variable& x, Pair2 size) {
  ArgumentCheck check(kName);
  check.argument("x", detail::array_or_undefined(x), "(n, c, h, w)").rank(4).floating();
  const Pair2 plane = detail::checked_plane(check, x.shape());
  detail::check_pixels(check, "size", size, 1, "it is that of the result; 1 takes the mean of all pixels");
  return detail::linear_map(x, detail::Separable{kName,
                                                 "adaptive_average_pooling_2d_grad",
                                                 {bin_matrix(plane.y, size.y), bin_matrix(plane.x, size.x)},
                                                 {{"size", to_string(size)}}});
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/depth2space.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::ops {
namespace {

/// With the check's first argument and rules, which both ops share.
void check_image(ArgumentCheck& check, const Variable& x, std::int64_t r, std::string_view axes) {
  check.argument("x", detail::array_or_undefined(x), axes).rank(4);
  check.at_least("r", r, 1, "it is the side of a block in pixels");
  FATHOM_CHECK(check.hint("it is the side of a block in pixels; look for an overflow"), r <= 1 << 20,
               ValueError, "r must be at most {} (it is {})", 1 << 20, r);
}

}  // namespace

Variable depth2space(const Variable& x, std::int64_t r, const DepthOptions& options) {
  ArgumentCheck check("depth2space");
  check_image(check, x, r, "(n, r*r*c, h, w)");
  FATHOM_CHECK(check.hint("each channel of the result takes r*r of x"), x.shape(1) % (r * r) == 0, ShapeError,
               "r*r must divide the channels of x (x has {}, r*r is {})", x.shape(1), r * r);
  const std::int64_t n = x.shape(0), c = x.shape(1) / (r * r), h = x.shape(2), w = x.shape(3);
  const Variable y = options.order == DepthOrder::pixels_first
                         ? transpose(reshape(x, {n, r, r, c, h, w}), Axes{0, 3, 4, 1, 5, 2})
                         : transpose(reshape(x, {n, c, r, r, h, w}), Axes{0, 1, 4, 2, 5, 3});
  return reshape(y, {n, c, h * r, w * r});
}

Variable space2depth(const Variable& x, std::int64_t r, const DepthOptions& options) {
  ArgumentCheck check("space2depth");
  check_image(check, x, r, "(n, c, h*r, w*r)");
  FATHOM_CHECK(check.hint("pad x, or cut it, to whole blocks"), x.shape(2) % r == 0 && x.shape(3) % r == 0,
               ShapeError, "r must divide the height and width of x (x has [{}, {}], r is {})", x.shape(2),
               x.shape(3), r);
  const std::int64_t n = x.shape(0), c = x.shape(1), h = x.shape(2) / r, w = x.shape(3) / r;
  const Variable blocks = reshape(x, {n, c, h, r, w, r});
  const Axes order =
      options.order == DepthOrder::pixels_first ? Axes{0, 3, 5, 1, 2, 4} : Axes{0, 1, 3, 5, 2, 4};
  return reshape(transpose(blocks, order), {n, c * r * r, h, w});
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checks/convolution.hpp>

#include <fmt/format.h>

#include <fathom/ops/checks/argument.hpp>

namespace fathom::ops::detail {

ArgumentCheck check_convolution(std::string_view op, const Variable& x, const Variable& W,
                                std::string_view W_axes, const Variable& b, std::string_view b_axes) {
  ArgumentCheck check(op);
  check.argument("x", array_or_undefined(x), "(n, cI, h, w)");
  check.argument("W", array_or_undefined(W), W_axes);
  if (b.defined()) check.argument("b", b.data(), b_axes);
  check.select("x").floating().rank(4).select("W").same_dtype().rank(4);
  if (b.defined()) check.select("b").same_dtype().rank(1);
  return check;
}

void check_kernel(const ArgumentCheck& check, const Shape& W) {
  FATHOM_CHECK(check.hint("the last two axes of W are the height and width of the kernel, at least 1 each"),
               W[2] > 0 && W[3] > 0, ShapeError, "the kernel must not be empty (it is {})",
               to_string(Pair2{W[2], W[3]}));
}

void check_bias(const ArgumentCheck& check, const Variable& b, std::int64_t out_channels) {
  FATHOM_CHECK(check.hint("leave b out, or give one value for each output channel"),
               !b.defined() || b.size() == out_channels, ShapeError,
               "b must have one value for each output channel (b has {}, the channels are {})", b.size(),
               out_channels);
}

}  // namespace fathom::ops::detail

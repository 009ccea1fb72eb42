// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>
#include <fathom/core/check.hpp>

namespace fathom::ops::detail {

/// What all convolutions ask of x and W (four axes each, one dtype) and b (one axis, or undefined), and how
/// an error names their axes.
[[nodiscard]] ArgumentCheck check_convolution(std::string_view op, const Variable& x, const Variable& W,
                                              std::string_view W_axes, const Variable& b,
                                              std::string_view b_axes);

/// A kernel of at least one tap.
void check_kernel(const ArgumentCheck& check, const Shape& W);

/// One value of b for each output channel, where b is defined.
void check_bias(const ArgumentCheck& check, const Variable& b, std::int64_t out_channels);

}  // namespace fathom::ops::detail

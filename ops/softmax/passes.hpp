// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>
#include <fathom/ops/softmax/kernel.hpp>

namespace fathom::ops::softmax_family {

/// The kernels on Arrays that the lines fit: they choose the instruction set, count the call, and share the
/// blocks out among threads. The bits do not depend on the number of threads.
/// `normalizers` is float64 (2, positions): the largest score of each line, then log(sum(exp(x - largest))).
[[nodiscard]] Array normalizers(const Lines& lines, const Array& x);
/// factor * softmax(x); `factors` is float64, one for each position, or undefined for 1.
[[nodiscard]] Array softmax(const Lines& lines, const Array& x, const Array& normalizers,
                            const Array& factors = {});
[[nodiscard]] Array log_softmax(const Lines& lines, const Array& x, const Array& normalizers);
/// gx (+)= the gradient, from the result y.
void softmax_gradient(const Lines& lines, const Array& y, const Array& gy, bool accumulate, Array& gx);
void log_softmax_gradient(const Lines& lines, const Array& y, const Array& gy, bool accumulate, Array& gx);

}  // namespace fathom::ops::softmax_family

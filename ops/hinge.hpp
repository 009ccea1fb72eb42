// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {

/// What becomes of a margin that is violated.
enum class HingeNorm : std::uint8_t {
  L1,  ///< itself
  L2   ///< its square
};

struct HingeOptions {
  HingeNorm norm = HingeNorm::L1;
  Reduce reduce = Reduce::mean;
};

/// One against the rest with a margin of 1: max(0, 1 - s x)^p for each score x, where s is 1 for the class
/// that the label names and -1 for the others; p is 1 (norm L1) or 2 (L2).
/// gx = -gy s where the margin is violated, s x < 1, else 0, also at s x = 1 (L1); -2 gy s max(0, 1 - s x)
/// (L2). The second order is that of max(0, .): 0 for L1, and for L2 2 where the margin is violated, else 0.
/// @param x (n, classes), raw scores
/// @param t (n), int32 or int64 in [0, classes): data without gradient
/// @return mean: the sum over all, divided by the batch size n alone, NaN of an empty batch; sum: (); no: x's
/// shape
/// @throws ShapeError, DTypeError, ValueError (label out of range, naming it and its position)
/// Source: C. Cortes and V. Vapnik, Support-Vector Networks, 1995; in networks, with both norms: Y. Tang,
/// Deep Learning using Linear Support Vector Machines, 2013.
[[nodiscard]] FATHOM_EXPORT Variable hinge(const Variable& x, const Array& t,
                                           const HingeOptions& options = {});

}  // namespace fathom::ops

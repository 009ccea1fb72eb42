// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>
#include <fathom/core/random.hpp>

namespace fathom::ops {

struct DropoutOptions {
  double ratio = 0.5;  ///< how likely an element is dropped, in [0, 1)
};

/// Each element becomes 0 with probability `ratio`, else x / (1 - ratio), so that its expectation stays
/// (Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014).
/// What is dropped depends on key, counter and the element's number alone: the same for either dtype and any
/// number of threads. Use a counter once for each key; nn::Dropout does. Dropping is what this function does:
/// whether one trains is the caller's knowledge.
/// @throws ValueError for a ratio outside of [0, 1)
/// Differentiable any number of times; the gradient drops the same elements, and no mask is kept for it.
[[nodiscard]] FATHOM_EXPORT Variable dropout(const Variable& x, const DropoutOptions& options, RandomKey key,
                                             std::uint64_t counter);

/// x * mask, for a mask of the caller's own: 0 where dropped, 1 / (1 - ratio) elsewhere.
/// @param mask x's shape and dtype; data without gradient
/// @throws ShapeError, DTypeError
[[nodiscard]] FATHOM_EXPORT Variable dropout(const Variable& x, const Array& mask);

/// Drops whole samples instead of elements: for the branch of a residual block, y = x +
/// stochastic_depth(f(x)).
/// @param x (n, ...)   Sample i is 0 or x[i] / (1 - ratio) as element i of dropout with the same key and
/// counter.
/// @throws ShapeError for a scalar, ValueError for a ratio outside of [0, 1), DTypeError
/// Differentiable any number of times. Source: G. Huang et al., Deep Networks with Stochastic Depth, 2016,
/// where evaluation multiplies by 1 - ratio instead.
[[nodiscard]] FATHOM_EXPORT Variable stochastic_depth(const Variable& x, const DropoutOptions& options,
                                                      RandomKey key, std::uint64_t counter);

}  // namespace fathom::ops

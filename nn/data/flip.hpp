// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/export.hpp>
#include <fathom/nn/data/transform.hpp>

namespace fathom::nn {

/// Mirrors each image with probability p: left becomes right. Throws ValueError unless p is 0 ... 1.
[[nodiscard]] FATHOM_EXPORT Transform horizontal_flip(double p = 0.5);

/// Mirrors each image in every second epoch; a random half of the set begins mirrored. Two epochs in a row
/// show both sides of each image, which chance does half of the time. Needs BatchKey::images (GraphError).
/// Source: K. Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024.
[[nodiscard]] FATHOM_EXPORT Transform alternating_flip();

}  // namespace fathom::nn

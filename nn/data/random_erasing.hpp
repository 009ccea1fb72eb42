// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <fathom/core/export.hpp>
#include <fathom/nn/data/transform.hpp>

namespace fathom::nn {

/// A range of numbers, both ends in it.
struct Range {
  double low = 0, high = 0;
};

struct RandomErasingOptions {
  double p = 0.5;                  ///< probability for each image
  Range area = {0.02, 0.4};        ///< of the rectangle, as a share of the image
  Range aspect = {0.3, 10 / 3.0};  ///< of the rectangle: height by width
  /// One number for all channels, or one for each, in the scale that mean and deviation have made.
  std::vector<double> fill = {0};
  bool noise = false;  ///< fill with normal noise of deviation 1 instead
};

/// Fills a rectangle at a random place of each image. Area and the logarithm of the aspect are uniform; a
/// rectangle that does not fit is drawn again, at most ten times, then the image stays as it is. Throws
/// ValueError for a probability or a range that is none; when it is applied, ShapeError for a fill that does
/// not fit. Source: Z. Zhong et al., Random Erasing Data Augmentation, 2017 (who draw the aspect itself
/// uniformly).
[[nodiscard]] FATHOM_EXPORT Transform random_erasing(RandomErasingOptions options = {});

}  // namespace fathom::nn

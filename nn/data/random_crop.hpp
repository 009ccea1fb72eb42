// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <fathom/core/export.hpp>
#include <fathom/core/shape.hpp>
#include <fathom/nn/data/transform.hpp>

namespace fathom::nn {

/// What stands around an image: one value, or the image mirrored at its outer pixels, c b | a b c | b a.
enum class Border : std::uint8_t { fill, reflect };

struct RandomCropOptions {
  Pair2 size = 0;  ///< of what is cut out; 0: the image's own
  Pair2 pad = 0;   ///< pixels put around the image first
  Border border = Border::fill;
  /// One number for all channels, or one for each, in the scale that mean and deviation have made: 0 is the
  /// mean, and black is -mean / deviation.
  std::vector<double> fill = {0};
};

/// Cuts a rectangle out of each image with a border around it; every place is as likely. Throws ValueError
/// for a negative size or border; when it is applied, ShapeError for images that are too small or a fill that
/// does not fit.
[[nodiscard]] FATHOM_EXPORT Transform random_crop(RandomCropOptions options);

/// Moves each image by up to `most` pixels in any direction: random_crop of the image's own size.
[[nodiscard]] FATHOM_EXPORT Transform random_shift(Pair2 most, std::vector<double> fill = {0});

}  // namespace fathom::nn

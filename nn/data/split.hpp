// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include <fathom/core/export.hpp>
#include <fathom/nn/data/image_set.hpp>

namespace fathom::nn {

/// The images of these numbers, in this order, with their labels: a copy. Throws ValueError for a number that
/// there is not.
[[nodiscard]] FATHOM_EXPORT ImageSet select(const ImageSet& set, std::span<const std::int64_t> numbers);

struct SplitOptions {
  double validation = 0.1;  ///< share of the images that become the validation set
  std::uint64_t seed = 1;   ///< which ones
  /// Take that share of each class, as near as whole images allow: what is missing to the share of all goes
  /// to the classes whose share was cut most.
  bool stratified = false;
};

struct Split {
  ImageSet train, validation;
};

/// Cuts a set in two at random. Both parts keep the set's order; the rounded share of the images is in
/// `validation`. Throws ValueError for a share outside 0 ... 1, ShapeError for a set whose images and labels
/// disagree.
[[nodiscard]] FATHOM_EXPORT Split split(const ImageSet& set, const SplitOptions& options = {});

}  // namespace fathom::nn

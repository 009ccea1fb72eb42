// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <vector>

#include <fathom/core/export.hpp>
#include <fathom/nn/data/data_loader.hpp>

namespace fathom::nn {

/// What changes a batch: DataLoaderOptions::transform. It may be called by hand as well, on images (n, c, h,
/// w) of float32. Those of the library leave other arrays that share the images' buffer as they are, and
/// their results depend on batch and key alone: they are the same for any number of threads and workers.
using Transform = std::function<void(Batch& batch, const BatchKey& key)>;

/// One transform after another. Each has a stream of random numbers of its own, so that two of a kind differ.
/// Throws ValueError for an empty one.
[[nodiscard]] FATHOM_EXPORT Transform compose(std::vector<Transform> transforms);

}  // namespace fathom::nn

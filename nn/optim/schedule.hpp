// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/export.hpp>

namespace fathom::nn {

struct OneCycleOptions {
  double peak = 0.1;      ///< highest rate
  double warm_up = 0.25;  ///< share of the steps before the peak
  double start = 0.04;    ///< rate of step 0, as a share of the peak
  double end = 0;         ///< rate at `total`, as a share of the peak
};

/// One-cycle learning rate: a straight line up to the peak, then half a cosine down. With w = warm_up *
/// total:
///
///     step < w:  peak * (start + (1 - start) * step / w)
///     else:      peak * (end + (1 - end) * (1 + cos(pi * (step - w) / (total - w))) / 2)
///
/// @param step 0 ... total   @param total steps of the whole training, at least 1
/// @throws ValueError
/// Source: L. Smith and N. Topin, Super-Convergence, 2017.
[[nodiscard]] FATHOM_EXPORT double one_cycle(std::int64_t step, std::int64_t total,
                                             const OneCycleOptions& options = {});

}  // namespace fathom::nn

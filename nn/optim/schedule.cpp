// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/schedule.hpp>

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include <fathom/core/error.hpp>

namespace fathom::nn {

double one_cycle(std::int64_t step, std::int64_t total, const OneCycleOptions& options) {
  if (total < 1) {
    throw ValueError(
        fmt::format("one_cycle: total must be at least 1 (total is {})\n  hint: it is the number of all "
                    "steps, epochs times batches",
                    total));
  }
  if (step < 0 || step > total) {
    throw ValueError(
        fmt::format("one_cycle: step must be between 0 and total (step is {}, total {})\n  hint: count steps "
                    "from 0, and all of them in total",
                    step, total));
  }
  if (!(options.warm_up >= 0 && options.warm_up <= 1)) {
    throw ValueError(
        fmt::format("one_cycle: warm_up must be between 0 and 1 (warm_up is {})\n  hint: it is a share of "
                    "total, not a number of steps",
                    options.warm_up));
  }
  const auto at = static_cast<double>(step);
  const auto length = static_cast<double>(total);
  const double warm_up = options.warm_up * length;
  if (at < warm_up) return options.peak * (options.start + (1 - options.start) * at / warm_up);
  if (warm_up >= length) return options.peak;
  const double share = (at - warm_up) / (length - warm_up);
  return options.peak * (options.end + (1 - options.end) * (1 + std::cos(std::numbers::pi * share)) / 2);
}

}  // namespace fathom::nn

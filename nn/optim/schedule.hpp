// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <fathom/core/export.hpp>

namespace fathom::nn {

// Learning rates as functions of the step, which counts from 0: `optimizer.set_lr(nn::cosine_decay(step,
// total))` before each optimizer.step(). They hold no state, so a run goes on from any step. Steps may be
// epochs. All throw ValueError for a step or an option outside its range.

struct StepDecayOptions {
  double rate = 0.1;        ///< of step 0
  std::int64_t every = 30;  ///< steps between two changes
  double factor = 0.1;      ///< what each change multiplies by
};

/// rate * factor^floor(step / every)
[[nodiscard]] FATHOM_EXPORT double step_decay(std::int64_t step, const StepDecayOptions& options = {});

struct MultiStepDecayOptions {
  double rate = 0.1;               ///< of step 0
  std::vector<std::int64_t> at{};  ///< the steps at which the rate changes, ascending
  double factor = 0.1;             ///< what each change multiplies by
};

/// rate * factor^k, where k of the steps in `at` have been reached: a step that is in `at` has the new rate.
[[nodiscard]] FATHOM_EXPORT double multi_step_decay(std::int64_t step, const MultiStepDecayOptions& options);

struct ExponentialDecayOptions {
  double rate = 0.1;     ///< of step 0
  double factor = 0.95;  ///< from one step to the next
};

/// rate * factor^step
[[nodiscard]] FATHOM_EXPORT double exponential_decay(std::int64_t step,
                                                     const ExponentialDecayOptions& options = {});

struct CosineDecayOptions {
  double rate = 0.1;  ///< of step 0
  double floor = 0;   ///< rate at `total`
};

/// floor + (rate - floor) * (1 + cos(pi * step / total)) / 2
///
/// @param step 0 ... total   @param total steps of the whole training, at least 1
/// Source: I. Loshchilov and F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017, without
/// restarts.
[[nodiscard]] FATHOM_EXPORT double cosine_decay(std::int64_t step, std::int64_t total,
                                                const CosineDecayOptions& options = {});

struct PolynomialDecayOptions {
  double rate = 0.1;  ///< of step 0
  double floor = 0;   ///< rate at `total`
  double power = 1;   ///< 1: a straight line
};

/// floor + (rate - floor) * (1 - step / total)^power
///
/// @param step 0 ... total   @param total steps of the whole training, at least 1
/// Source: W. Liu et al., ParseNet, 2015, and DeepLab's "poly" with power 0.9.
[[nodiscard]] FATHOM_EXPORT double polynomial_decay(std::int64_t step, std::int64_t total,
                                                    const PolynomialDecayOptions& options = {});

/// A factor for any schedule that rises in a line to 1: start + (1 - start) * min(step / length, 1).
///
///     optimizer.set_lr(nn::warm_up(step, 500) * nn::cosine_decay(step, total));
///
/// @param length steps of the rise; 0 for none   @param start share of the rate at step 0, 0 ... 1
/// Source: P. Goyal et al., Accurate, Large Minibatch SGD, 2017.
[[nodiscard]] FATHOM_EXPORT double warm_up(std::int64_t step, std::int64_t length, double start = 0);

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

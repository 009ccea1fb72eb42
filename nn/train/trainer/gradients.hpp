// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include <fathom/nn/data/data_loader.hpp>
#include <fathom/nn/module.hpp>
#include <fathom/nn/train/evaluate.hpp>

namespace fathom::nn::train::detail {

/// Sums over the images of one optimizer's step.
struct StepSums {
  std::int64_t images = 0;
  std::int64_t correct = 0;
  double loss = 0;
};

/// Runs `net` over batches in a row and adds to the parameters' gradients that of the mean loss over all
/// images. Throws NumericError when the loss or a gradient is not finite: it says which function made it.
/// Then, and after any other exception, gradients are empty and the buffers of `net` as before.
[[nodiscard]] StepSums add_gradients(Module& net, const Variables& parameters, const Loss& loss,
                                     std::span<const Batch> batches);

}  // namespace fathom::nn::train::detail

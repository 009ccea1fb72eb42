// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include <fathom/nn/data/data_loader.hpp>
#include <fathom/nn/module.hpp>
#include <fathom/nn/train/record.hpp>

namespace fathom::nn::train {

/// The loss of one batch: a mean over its images, (), from scores (n, classes) and labels (n).
using Loss = std::function<Variable(const Variable& scores, const Array& labels)>;

/// One pass over a loader's images, in evaluation and without a graph; training flags and buffers of `net`
/// are as before afterwards. Where there are five classes or fewer, `top5` is 1.
/// @param loss softmax_cross_entropy if empty
/// @throws ValueError when the loader has no batch
[[nodiscard]] FATHOM_EXPORT Evaluation evaluate(Module& net, DataLoader loader, const Loss& loss = {});

}  // namespace fathom::nn::train

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// Paths of batch normalizations.
struct FoldReport {
  std::vector<std::string> folded;  ///< that are gone
  std::vector<std::string> left;    ///< that stay: they follow no layer which could take them
};
[[nodiscard]] FATHOM_EXPORT std::string to_string(const FoldReport& report);
FATHOM_EXPORT std::ostream& operator<<(std::ostream& out, const FoldReport& report);

/// Takes the batch normalizations of a model in evaluation into the weights and biases of the layers before
/// them, so that predicting costs no pass for them: a convolution followed by gamma * (y - mean) / sqrt(var +
/// eps) + beta is one with other weights. Blocks that are `FoldsBatchNorm` fold their own, `Sequential` a
/// BatchNorm2D right behind a Conv2D, DepthwiseConv2D or Linear, whose place an Identity takes; all others
/// are left as they are. Results differ by rounding only.
///
/// What was folded into cannot train any more: its forward throws while training. It saves and loads without
/// the parameters that are gone, so that a file goes with a model folded the same way. Handles of what is
/// left stay valid; an optimiser made before would go on to hold those that are gone. A second call finds
/// nothing to do.
/// @throws GraphError naming a module that is training, or a parameter that has no data yet; then nothing has
/// changed
FATHOM_EXPORT FoldReport fold_batch_norm(Module& model);

/// Beside Module, a base of modules that know where their batch normalizations belong:
/// Conv2D::fold, DepthwiseConv2D::fold and Linear::fold take one in.
class FATHOM_EXPORT FoldsBatchNorm {
 public:
  FoldsBatchNorm() = default;
  FoldsBatchNorm(const FoldsBatchNorm&) = default;
  FoldsBatchNorm& operator=(const FoldsBatchNorm&) = default;
  virtual ~FoldsBatchNorm();
  /// Folds what is among the module's own members and takes it out.
  virtual void fold_batch_norm() = 0;
};

}  // namespace fathom::nn

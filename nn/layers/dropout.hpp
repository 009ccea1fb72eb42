// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <fathom/nn/module.hpp>
#include <fathom/ops/dropout.hpp>

namespace fathom::nn {

namespace detail {

/// What drops while training and is the identity in evaluation. What is dropped depends on the key, which the
/// source gives once, and on the number of calls so far. Both are buffers: what is saved and loaded goes on
/// with the masks that would have come next, and so does a copy.
class FATHOM_EXPORT RandomDrop : public Module {
 public:
  Buffer key;      ///< int64 (2): the bits of the key's seed and stream
  Buffer counter;  ///< int64 (): calls while training
  FATHOM_MODULE(key, counter)

  [[nodiscard]] double ratio() const { return ratio_; }

 protected:
  using Drop = Variable (*)(const Variable&, const ops::DropoutOptions&, RandomKey, std::uint64_t);
  /// Throws ValueError in the name of `layer` unless the ratio is in [0, 1).
  RandomDrop(std::string_view layer, Drop drop, double ratio, Random& random);
  Variable forward(const Variable& x) override;

 private:
  Drop drop_;
  double ratio_;
};

}  // namespace detail

/// ops::dropout: drops the share `ratio` of the elements.
class FATHOM_EXPORT Dropout final : public detail::RandomDrop {
 public:
  Dropout(double ratio, Random& random) : RandomDrop("Dropout", ops::dropout, ratio, random) {}
};

/// ops::stochastic_depth: drops a residual block's branch for the share `ratio` of the samples.
class FATHOM_EXPORT StochasticDepth final : public detail::RandomDrop {
 public:
  StochasticDepth(double ratio, Random& random)
      : RandomDrop("StochasticDepth", ops::stochastic_depth, ratio, random) {}
};

}  // namespace fathom::nn

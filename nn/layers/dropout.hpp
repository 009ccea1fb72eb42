// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/module.hpp>
#include <fathom/ops/dropout.hpp>

namespace fathom::nn {

/// ops::dropout while training, the identity in evaluation. Which elements are dropped depends on the key,
/// which the source gives once, and on the number of calls so far. Both are buffers: what is saved and loaded
/// goes on with the masks that would have come next, and so does a copy.
class FATHOM_EXPORT Dropout final : public Module {
 public:
  Buffer key;      ///< int64 (2): the bits of the key's seed and stream
  Buffer counter;  ///< int64 (): calls while training
  FATHOM_MODULE(key, counter)

  /// Drops the share `ratio`. Throws ValueError unless it is in [0, 1).
  Dropout(double ratio, Random& random);
  [[nodiscard]] double ratio() const { return ratio_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  double ratio_;
};

}  // namespace fathom::nn

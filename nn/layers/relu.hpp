// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// ops::relu as a module, for Sequential.
class FATHOM_EXPORT ReLU : public Module {
 public:
  FATHOM_MODULE()

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// y = x: stands where a layer is optional, or was taken out.
class FATHOM_EXPORT Identity final : public Module {
 public:
  FATHOM_MODULE()

 protected:
  Variable forward(const Variable& x) override { return x; }
};

}  // namespace fathom::nn

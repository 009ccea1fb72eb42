// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/module.hpp>

namespace fathom::nn {

/// x (n, d...) as y (n, prod(d)), which shares the data. `Linear` flattens by itself; this is for what does
/// not.
class FATHOM_EXPORT Flatten final : public Module {
 public:
  FATHOM_MODULE()

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn

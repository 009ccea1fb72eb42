// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/relu.hpp>

#include <fathom/ops/activation.hpp>

namespace fathom::nn {

Variable ReLU::forward(const Variable& x) { return ops::relu(x); }

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/callback.hpp>

namespace fathom::nn::train {

Callback::~Callback() = default;

}  // namespace fathom::nn::train

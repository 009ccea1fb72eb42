// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <fathom/core/npy.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn::train::detail {

/// Throws NumericError unless all parameters and buffers of `net`, which have data, and all `averages` are
/// finite: it says that `path` is not written, names the first array that is not, and says what is in it.
void require_finite(const std::string& path, const Module& net, const NamedArrays& averages = {});

}  // namespace fathom::nn::train::detail

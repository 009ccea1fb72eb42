// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include <fathom/nn/module.hpp>

namespace fathom::nn {

struct SplitParameters {
  Variables chosen;
  Variables rest;
};

/// The parameters of a module in two parts, for the groups of an optimizer:
///
///     auto [plain, weights] = nn::split_parameters(net, nn::is_bias_or_norm);
///     nn::SGD optimizer{{{weights}, {.parameters = plain, .decay = 0}}, {.weight_decay = 5e-4}};
///
/// `choose` should go by the name: a deferred parameter has no data yet.
[[nodiscard]] FATHOM_EXPORT SplitParameters
split_parameters(const Module& module, const std::function<bool(const NamedParameter& parameter)>& choose);

/// Whether the last part of the name is "b", "gamma" or "beta": what is usually left out of weight decay.
[[nodiscard]] FATHOM_EXPORT bool is_bias_or_norm(const NamedParameter& parameter);

}  // namespace fathom::nn

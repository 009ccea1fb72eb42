// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include <fathom/nn/module.hpp>
#include <fathom/nn/optim/optimizer.hpp>

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

/// Two groups for an optimizer: what keeps its weight decay, and, with decay 0, all of which
/// `is_bias_or_norm` is true and the filters of depthwise convolutions, which have few weights each and learn
/// worse with decay:
///
///     nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9, .weight_decay = 5e-4}};
///
/// Source: A. Howard et al., MobileNets, 2017, section 3.2.
[[nodiscard]] FATHOM_EXPORT ParameterGroups no_decay_groups(const Module& module);

}  // namespace fathom::nn

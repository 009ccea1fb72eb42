// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/groups.hpp>

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fathom/nn/layers/depthwise_conv2d.hpp>

namespace fathom::nn {

SplitParameters split_parameters(const Module& module,
                                 const std::function<bool(const NamedParameter& parameter)>& choose) {
  SplitParameters parts;
  for (const NamedParameter& parameter : module.named_parameters()) {
    (choose(parameter) ? parts.chosen : parts.rest).push_back(parameter.value);
  }
  return parts;
}

bool is_bias_or_norm(const NamedParameter& parameter) {
  const std::string_view name = parameter.name;
  const std::string_view last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  return last == "b" || last == "gamma" || last == "beta";
}

ParameterGroups no_decay_groups(const Module& module) {
  std::set<std::string> filters;
  for (const auto& [name, inner] : const_cast<Module&>(module).named_modules()) {  // it only looks
    if (dynamic_cast<const DepthwiseConv2D*>(inner) == nullptr) continue;
    filters.insert(name.empty() ? "W" : name + ".W");
  }
  auto [plain, weights] = split_parameters(module, [&](const NamedParameter& parameter) {
    return is_bias_or_norm(parameter) || filters.contains(parameter.name);
  });
  return {{.parameters = std::move(weights)}, {.parameters = std::move(plain), .decay = 0}};
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/groups.hpp>

#include <string_view>

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

}  // namespace fathom::nn

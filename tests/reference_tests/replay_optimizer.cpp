// SPDX-License-Identifier: BSD-3-Clause
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/nn/optim/gradients.hpp>
#include <fathom/nn/optim/sgd.hpp>

#include "compare.hpp"
#include "params.hpp"
#include "replay.hpp"

namespace fathom::reference {
namespace {

using nlohmann::json;

/// Row `index` along the first axis.
Array row(const Array& array, std::int64_t index) {
  Array result = Array::empty(Shape(array.shape().span().subspan(1)), array.dtype());
  std::memcpy(result.raw_mutable_data(),
              array.raw_data() + static_cast<std::size_t>(index) * result.byte_size(), result.byte_size());
  return result;
}

/// The options that make nn::SGD the recorded optimizer; `missing` says that there is none.
nn::SGDOptions sgd_options(const json& entry, std::string& missing) {
  nn::SGDOptions options;
  const std::string name = entry.at("optimizer");
  Params params(entry.at("hyperparams"));
  if (name == "SGD") {
    params.read("lr", options.rate);
  } else if (name == "MomentumSGD") {
    options.momentum = 0.9;
    params.read("lr", options.rate).read("momentum", options.momentum);
  } else {
    missing = fmt::format("no optimizer '{}' here", name);
    return options;
  }
  if (const auto names = params.unread(); !names.empty()) {
    throw std::runtime_error(fmt::format("the table ignores the parameter {}", fmt::join(names, ", ")));
  }
  // Weight decay alone is the optimizer's own option.
  const json& hooks = entry.at("hooks");
  if (hooks.size() == 1 && hooks.at(0).at("name") == "WeightDecay")
    options.weight_decay = hooks.at(0).at("args").at(0);
  return options;
}

/// What the hooks do to the gradients, in their order.
void apply_hooks(const json& hooks, const Variables& parameters) {
  for (const json& hook : hooks) {
    const std::string name = hook.at("name");
    const double value = hook.at("args").at(0);
    if (name == "WeightDecay") {
      nn::add_weight_decay(parameters, value);
    } else if (name == "Lasso") {
      nn::add_lasso(parameters, value);
    } else if (name == "GradientClipping") {
      nn::clip_gradient_norm(parameters, value);
    } else {
      throw std::runtime_error(fmt::format("the table ignores the hook {}", name));
    }
  }
}

std::vector<std::string> run(const json& entry, const nn::SGDOptions& options, Files& files) {
  Comparison comparison(entry.at("rtol"), entry.at("atol"));
  const json& recorded = entry.at("params");
  Variables parameters;
  Arrays grads, after;
  for (const json& parameter : recorded) {
    parameters.emplace_back(files.load(parameter.at("init")), true);
    grads.push_back(files.load(parameter.at("grads")));
    after.push_back(files.load(parameter.at("after")));
  }
  nn::SGD optimizer(parameters, options);
  for (std::int64_t step = 0; step < entry.at("steps").get<std::int64_t>(); ++step) {
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].set_grad(Variable(row(grads[i], step)));
    if (options.weight_decay == 0) apply_hooks(entry.at("hooks"), parameters);
    optimizer.step();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string name = recorded.at(i).at("name");
      comparison.array(fmt::format("{} after step {}", name, step + 1), parameters[i].data(),
                       row(after[i], step));
    }
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    for (const auto& [name, file] : recorded.at(i).at("state").items()) {
      const std::string what = fmt::format("{} of {}", name, recorded.at(i).at("name").get<std::string>());
      if (name != "v") {
        comparison.fail(what + ": the table ignores this state");
      } else {
        comparison.array(what, optimizer.velocity(i), files.load(file));
      }
    }
  }
  return comparison.failures();
}

}  // namespace

void replay_optimizer(const json& entry, Files& files, Report& report) {
  const std::string name = entry.at("optimizer");
  const std::string id = entry.at("id");
  try {
    std::string missing;
    const nn::SGDOptions options = sgd_options(entry, missing);
    if (!missing.empty()) {
      report.skip(name, missing);
    } else {
      report.add(name, id, run(entry, options, files));
    }
  } catch (const std::exception& error) {
    report.add(name, id, {error.what()});
  }
}

}  // namespace fathom::reference

// SPDX-License-Identifier: BSD-3-Clause
#include <cstring>
#include <functional>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/nn/optim/adam.hpp>
#include <fathom/nn/optim/gradients.hpp>
#include <fathom/nn/optim/nesterov.hpp>
#include <fathom/nn/optim/rmsprop.hpp>
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

using Maker = std::function<std::unique_ptr<nn::Optimizer>(Variables, Params&, double weight_decay)>;

template <class Options>
void read_adam(Params& params, Options& options) {
  bool amsgrad = false;
  params.read("alpha", options.rate).read("beta1", options.beta1).read("beta2", options.beta2);
  params.read("eps", options.eps).read("amsgrad", amsgrad);
  if (amsgrad) throw std::runtime_error("the table has no AMSGrad");
}

/// Numbers that are recorded and have no option here, because they change nothing.
void require(Params& params, const std::string& name, double value) {
  if (params.get<double>(name) != value) throw std::runtime_error(fmt::format("{} is not {}", name, value));
}

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all = {
      {"SGD",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::SGDOptions options{.weight_decay = weight_decay};
         params.read("lr", options.rate);
         return std::make_unique<nn::SGD>(std::move(parameters), options);
       }},
      {"MomentumSGD",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::SGDOptions options{.momentum = 0.9, .weight_decay = weight_decay};
         params.read("lr", options.rate).read("momentum", options.momentum);
         return std::make_unique<nn::SGD>(std::move(parameters), options);
       }},
      {"NesterovAG",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::NesterovOptions options{.weight_decay = weight_decay};
         params.read("lr", options.rate).read("momentum", options.momentum);
         return std::make_unique<nn::Nesterov>(std::move(parameters), options);
       }},
      {"Adam",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::AdamOptions options{.weight_decay = weight_decay};
         read_adam(params, options);
         require(params, "eta", 1);
         require(params, "weight_decay_rate", 0);
         return std::make_unique<nn::Adam>(std::move(parameters), options);
       }},
      {"AdamW",
       [](Variables parameters, Params& params, double) {
         nn::AdamWOptions options;
         read_adam(params, options);
         params.read("eta", options.eta).read("weight_decay_rate", options.weight_decay);
         return std::make_unique<nn::AdamW>(std::move(parameters), options);
       }},
      {"RMSprop",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::RMSpropOptions options{.weight_decay = weight_decay};
         params.read("lr", options.rate).read("alpha", options.alpha).read("eps", options.eps);
         params.read("eps_inside_sqrt", options.eps_inside_sqrt);
         return std::make_unique<nn::RMSprop>(std::move(parameters), options);
       }},
  };
  return all;
}

/// Weight decay alone is the optimizer's own option, but for AdamW, whose option is another decay.
double own_decay(const json& entry) {
  const json& hooks = entry.at("hooks");
  const bool alone = hooks.size() == 1 && hooks.at(0).at("name") == "WeightDecay";
  return alone && entry.at("optimizer") != "AdamW" ? hooks.at(0).at("args").at(0).get<double>() : 0;
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
    } else if (name == "GradientHardClipping") {
      nn::clip_gradient_value(parameters, value, hook.at("args").at(1));
    } else {
      throw std::runtime_error(fmt::format("the table ignores the hook {}", name));
    }
  }
}

std::vector<std::string> run(const json& entry, const Maker& make, Files& files) {
  Comparison comparison(entry.at("rtol"), entry.at("atol"));
  const json& recorded = entry.at("params");
  Variables parameters;
  Arrays grads, after;
  for (const json& parameter : recorded) {
    parameters.emplace_back(files.load(parameter.at("init")), true);
    grads.push_back(files.load(parameter.at("grads")));
    after.push_back(files.load(parameter.at("after")));
  }
  const double weight_decay = own_decay(entry);
  Params params(entry.at("hyperparams"));
  const std::unique_ptr<nn::Optimizer> optimizer = make(parameters, params, weight_decay);
  if (const auto names = params.unread(); !names.empty()) {
    throw std::runtime_error(fmt::format("the table ignores the parameter {}", fmt::join(names, ", ")));
  }
  for (std::int64_t step = 0; step < entry.at("steps").get<std::int64_t>(); ++step) {
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].set_grad(Variable(row(grads[i], step)));
    if (weight_decay == 0) apply_hooks(entry.at("hooks"), parameters);
    optimizer->step();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string name = recorded.at(i).at("name");
      comparison.array(fmt::format("{} after step {}", name, step + 1), parameters[i].data(),
                       row(after[i], step));
    }
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    for (const auto& [name, file] : recorded.at(i).at("state").items()) {
      const std::string what = fmt::format("{} of {}", name, recorded.at(i).at("name").get<std::string>());
      comparison.array(what, optimizer->state(i, name), files.load(file));
    }
  }
  return comparison.failures();
}

}  // namespace

void replay_optimizer(const json& entry, Files& files, Report& report) {
  const std::string name = entry.at("optimizer");
  const std::string id = entry.at("id");
  try {
    const auto found = makers().find(name);
    if (found == makers().end()) {
      report.skip(name, fmt::format("no optimizer '{}' here", name));
    } else {
      report.add(name, id, run(entry, found->second, files));
    }
  } catch (const std::exception& error) {
    report.add(name, id, {error.what()});
  }
}

}  // namespace fathom::reference

// SPDX-License-Identifier: BSD-3-Clause
#include <cstring>
#include <functional>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/nn/optim/adadelta.hpp>
#include <fathom/nn/optim/adagrad.hpp>
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

/// Chainer has one class for Adam, AdamW and AMSGrad; here the decoupled ones are AdamW.
bool is_decoupled(const json& hyperparams) {
  return hyperparams.value("eta", 1.0) != 1 || hyperparams.value("weight_decay_rate", 0.0) != 0;
}

std::unique_ptr<nn::Optimizer> make_adam(Variables parameters, Params& params, double weight_decay) {
  nn::AdamOptions options{.weight_decay = weight_decay};
  nn::AdamWOptions decoupled{.weight_decay = 0};
  params.read("alpha", options.rate).read("beta1", options.beta1).read("beta2", options.beta2);
  params.read("eps", options.eps).read("amsgrad", options.amsgrad);
  params.read("eta", decoupled.eta).read("weight_decay_rate", decoupled.weight_decay);
  if (decoupled.eta == 1 && decoupled.weight_decay == 0) {
    return std::make_unique<nn::Adam>(std::move(parameters), options);
  }
  decoupled.rate = options.rate;
  decoupled.beta1 = options.beta1;
  decoupled.beta2 = options.beta2;
  decoupled.eps = options.eps;
  decoupled.amsgrad = options.amsgrad;
  return std::make_unique<nn::AdamW>(std::move(parameters), decoupled);
}

template <nn::MomentumForm form>
std::unique_ptr<nn::Optimizer> make_momentum(Variables parameters, Params& params, double weight_decay) {
  nn::SGDOptions options{.momentum = 0.9, .weight_decay = weight_decay, .form = form};
  params.read("lr", options.rate).read("momentum", options.momentum);
  return std::make_unique<nn::SGD>(std::move(parameters), options);
}

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all = {
      {"SGD",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::SGDOptions options{.weight_decay = weight_decay};
         params.read("lr", options.rate);
         return std::make_unique<nn::SGD>(std::move(parameters), options);
       }},
      {"MomentumSGD", make_momentum<nn::MomentumForm::rate_inside>},
      {"CorrectedMomentumSGD", make_momentum<nn::MomentumForm::rate_outside>},
      {"NesterovAG",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::NesterovOptions options{.weight_decay = weight_decay};
         params.read("lr", options.rate).read("momentum", options.momentum);
         return std::make_unique<nn::Nesterov>(std::move(parameters), options);
       }},
      {"Adam", make_adam},
      {"AdamW", make_adam},
      {"AMSGrad", make_adam},
      {"AdaGrad",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::AdaGradOptions options{.weight_decay = weight_decay};
         params.read("lr", options.rate).read("eps", options.eps);
         return std::make_unique<nn::AdaGrad>(std::move(parameters), options);
       }},
      {"AdaDelta",
       [](Variables parameters, Params& params, double weight_decay) {
         nn::AdaDeltaOptions options{.weight_decay = weight_decay};
         params.read("rho", options.rho).read("eps", options.eps);
         return std::make_unique<nn::AdaDelta>(std::move(parameters), options);
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
  return alone && !is_decoupled(entry.at("hyperparams")) ? hooks.at(0).at("args").at(0).get<double>() : 0;
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

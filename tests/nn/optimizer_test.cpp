// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/optimizer.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <memory>

#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/optim/adadelta.hpp>
#include <fathom/nn/optim/adagrad.hpp>
#include <fathom/nn/optim/adam.hpp>
#include <fathom/nn/optim/groups.hpp>
#include <fathom/nn/optim/nesterov.hpp>
#include <fathom/nn/optim/rmsprop.hpp>
#include <fathom/nn/optim/schedule.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/sequential.hpp>

#include "support/restore.hpp"
#include "support/values.hpp"

using namespace fathom;

namespace {

/// Every optimizer with all its terms in use.
struct Kind {
  const char* name;
  const char* kernel;
  std::function<std::unique_ptr<nn::Optimizer>(nn::ParameterGroups)> make;
};

const std::vector<Kind>& kinds() {
  using nn::ParameterGroups;
  static const std::vector<Kind> all = {
      {"SGD", "optim/sgd",
       [](ParameterGroups groups) {
         return std::make_unique<nn::SGD>(std::move(groups), nn::SGDOptions{.weight_decay = 0.01});
       }},
      {"SGD", "optim/momentum",
       [](ParameterGroups groups) {
         return std::make_unique<nn::SGD>(std::move(groups),
                                          nn::SGDOptions{.momentum = 0.9, .weight_decay = 0.01});
       }},
      {"SGD, the rate outside", "optim/momentum",
       [](ParameterGroups groups) {
         return std::make_unique<nn::SGD>(
             std::move(groups), nn::SGDOptions{.momentum = 0.9, .form = nn::MomentumForm::rate_outside});
       }},
      {"Nesterov", "optim/momentum",
       [](ParameterGroups groups) {
         return std::make_unique<nn::Nesterov>(std::move(groups), nn::NesterovOptions{.weight_decay = 0.01});
       }},
      {"Adam", "optim/adam",
       [](ParameterGroups groups) {
         return std::make_unique<nn::Adam>(std::move(groups), nn::AdamOptions{.weight_decay = 0.01});
       }},
      {"AdamW", "optim/adam",
       [](ParameterGroups groups) { return std::make_unique<nn::AdamW>(std::move(groups)); }},
      {"Adam, amsgrad", "optim/amsgrad",
       [](ParameterGroups groups) {
         return std::make_unique<nn::Adam>(std::move(groups), nn::AdamOptions{.amsgrad = true});
       }},
      {"AdamW, amsgrad", "optim/amsgrad",
       [](ParameterGroups groups) {
         return std::make_unique<nn::AdamW>(std::move(groups), nn::AdamWOptions{.amsgrad = true});
       }},
      {"AdaGrad", "optim/adagrad",
       [](ParameterGroups groups) {
         return std::make_unique<nn::AdaGrad>(std::move(groups), nn::AdaGradOptions{.weight_decay = 0.01});
       }},
      {"AdaDelta", "optim/adadelta",
       [](ParameterGroups groups) {
         return std::make_unique<nn::AdaDelta>(std::move(groups), nn::AdaDeltaOptions{.weight_decay = 0.01});
       }},
      {"RMSprop", "optim/rmsprop",
       [](ParameterGroups groups) {
         return std::make_unique<nn::RMSprop>(std::move(groups), nn::RMSpropOptions{.weight_decay = 0.01});
       }},
  };
  return all;
}

/// Parameters of both dtypes and awkward sizes, with gradients.
std::vector<Parameter> many_parameters() {
  Random random{9};
  std::vector<Parameter> parameters;
  for (const std::int64_t size : {1, 40000, 7, 0, 65537, 33}) {
    const DType dtype = size % 2 == 0 ? DType::float32 : DType::float64;
    parameters.emplace_back(normal(random.key(), {size}, 0, 1, dtype));
    parameters.back().set_grad(Variable{normal(random.key(), {size}, 0, 1, dtype)});
  }
  return parameters;
}

Arrays values(const Variables& parameters) {
  Arrays result;
  for (const Variable& parameter : parameters) result.push_back(parameter.data().copy());
  return result;
}

bool all_identical(const Arrays& a, const Arrays& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Array& x, const Array& y) { return identical(x, y); });
}

}  // namespace

TEST_CASE("every optimizer gives the same bits for any number of threads, on every instruction set",
          "[optim]") {
  const test::RestoreSettings restore;
  const Kind& kind = GENERATE(from_range(kinds()));
  const Isa isa = GENERATE(from_range(supported_isas()));
  CAPTURE(kind.name, kind.kernel, to_string(isa));
  set_isa(isa);
  const auto run = [&](int threads) {
    set_num_threads(threads);
    const std::vector<Parameter> parameters = many_parameters();
    const Variables handles(parameters.begin(), parameters.end());
    const auto optimizer = kind.make({{handles}});
    for (int step = 0; step < 3; ++step) optimizer->step();
    Arrays result = values(handles);
    for (const nn::StateArray& state : optimizer->state()) result.push_back(state.value);
    return result;
  };
  reset_kernel_counts();
  const Arrays one = run(1);
  std::int64_t calls = 0;
  for (const KernelCount& count : kernel_counts()) {
    CHECK(count.kernel == kind.kernel);
    CHECK(count.isa == isa);
    calls += count.calls;
  }
  CHECK(calls == 15);  // 3 steps of 5 parameters: the empty one needs none
  for (const int threads : {2, 3, 5}) CHECK(all_identical(run(threads), one));
}

TEST_CASE("an optimizer with the state of another goes on as that one would have", "[optim]") {
  const Kind& kind = GENERATE(from_range(kinds()));
  CAPTURE(kind.name, kind.kernel);
  std::vector<Parameter> parameters = many_parameters();
  const Variables handles(parameters.begin(), parameters.end());
  const auto first = kind.make({{handles}});
  for (int step = 0; step < 3; ++step) first->step();

  std::vector<Parameter> copies = parameters;
  for (std::size_t i = 0; i < copies.size(); ++i) copies[i].set_grad(parameters[i].grad());
  const Variables copied(copies.begin(), copies.end());
  const auto second = kind.make({{copied}});
  for (const nn::StateArray& state : first->state()) {
    second->set_state(state.parameter, state.name, state.value);
  }
  for (int step = 0; step < 2; ++step) {
    first->step();
    second->step();
  }
  CHECK(all_identical(values(handles), values(copied)));
  REQUIRE(first->state().size() == second->state().size());
  for (std::size_t i = 0; i < first->state().size(); ++i) {
    CHECK(first->state()[i].name == second->state()[i].name);
    CHECK(identical(first->state()[i].value, second->state()[i].value));
    CHECK((first->state()[i].name == "t" ||
           !first->state()[i].value.shares_buffer_with(second->state()[i].value)));
  }
}

TEST_CASE("state has names, and the parameter's shape and dtype", "[optim]") {
  Parameter p = test::parameter({1, 2});
  Parameter still = test::parameter({3});
  nn::Adam optimizer{{still, p}};
  CHECK(optimizer.state().empty());
  CHECK_FALSE(optimizer.state(1, "m").defined());
  p.set_grad(test::variable({1, 1}));
  optimizer.step();
  optimizer.step();
  const std::vector<nn::StateArray> state = optimizer.state();
  REQUIRE(state.size() == 3);
  CHECK(state[0].name == "t");
  CHECK(identical(state[0].value, Array::from<std::int64_t>({2}, {})));
  CHECK(state[1].name == "m");
  CHECK(state[2].name == "v");
  for (const nn::StateArray& array : state) CHECK(array.parameter == 1);
  CHECK(state[2].value.shares_buffer_with(optimizer.state(1, "v")));
  CHECK(state[2].value.shape() == Shape{2});
}

TEST_CASE("state that does not fit is refused", "[optim][error]") {
  Parameter p = test::parameter({1, 2});
  Parameter later = Parameter::deferred();
  nn::Adam optimizer{{p, later}};
  CHECK_THROWS_WITH(optimizer.state(0, "w"),
                    "Adam: there is no state 'w'\n"
                    "  hint: its states are: m, v");
  CHECK_THROWS_AS(optimizer.set_state(0, "w", p.data()), ValueError);
  CHECK_THROWS_WITH(optimizer.set_state(0, "m", Array::ones({3}, DType::float64)),
                    Catch::StartsWith("Optimizer::set_state: state must have the shape"));
  CHECK_THROWS_AS(optimizer.set_state(0, "m", Array::ones({3}, DType::float64)), ShapeError);
  CHECK_THROWS_AS(optimizer.set_state(0, "m", Array::ones({2}, DType::float32)), DTypeError);
  CHECK_THROWS_AS(optimizer.set_state(0, "m", Array{}), GraphError);
  CHECK_THROWS_AS(optimizer.set_state(0, "t", Array::ones({}, DType::float32)), DTypeError);
  CHECK_THROWS_AS(optimizer.set_state(0, "t", Array::full({}, -1, DType::int64)), ValueError);
  CHECK_THROWS_WITH(optimizer.set_state(1, "m", p.data()),
                    "Optimizer::set_state: parameter 1 has no data yet\n"
                    "  hint: run one forward pass, or load its weights, before its state");
  CHECK_FALSE(optimizer.state(0, "m").defined());
}

TEST_CASE("a parameter that joins late counts its own steps", "[optim]") {
  Parameter early = test::parameter({1});
  Parameter late = Parameter::deferred();
  nn::Adam optimizer{{early, late}, {.rate = 0.5, .eps = 1e-12}};
  early.set_grad(test::variable({1}));
  for (int step = 0; step < 10; ++step) optimizer.step();
  late.initialize(Array::from({1.0}, {1}));
  late.set_grad(test::variable({-4}));
  optimizer.step();
  // The first step of Adam has the size of the rate, whatever the gradient's.
  CHECK(late.data().item() == Approx(1.5).epsilon(1e-9));
  CHECK(optimizer.state(1, "m").item() == Approx(-0.4));
}

TEST_CASE("groups have factors of rate and weight decay that outlast set_lr", "[optim]") {
  Parameter a = test::parameter({1}), b = test::parameter({1}), c = test::parameter({1});
  const auto step = [&](nn::Optimizer& optimizer) {
    for (Parameter* p : {&a, &b, &c}) {
      p->set_data(Array::from({1.0}, {1}));
      p->set_grad(test::variable({2}));
    }
    optimizer.step();
  };
  const nn::ParameterGroups groups = {
      {.parameters = {a}}, {.parameters = {b}, .decay = 0}, {.parameters = {c}, .rate = 0.5, .decay = 2}};
  SECTION("coupled") {
    nn::SGD optimizer{groups, {.rate = 0.5, .weight_decay = 0.5}};
    REQUIRE(optimizer.parameters().size() == 3);
    step(optimizer);
    CHECK(a.data().item() == 1 - 0.5 * 2.5);
    CHECK(b.data().item() == 1 - 0.5 * 2);
    CHECK(c.data().item() == 1 - 0.25 * 3);
    optimizer.set_lr(0.25);
    step(optimizer);
    CHECK(a.data().item() == 1 - 0.25 * 2.5);
    CHECK(b.data().item() == 1 - 0.25 * 2);
    CHECK(c.data().item() == 1 - 0.125 * 3);
  }
  SECTION("decoupled, by eta or by the group's rate") {
    const bool by_rate = GENERATE(false, true);
    nn::AdamW optimizer{groups,
                        {.rate = 0.5,
                         .eps = 1e-12,
                         .weight_decay = 0.25,
                         .decay_scale = by_rate ? nn::DecayScale::rate : nn::DecayScale::eta}};
    step(optimizer);
    CHECK(a.data().item() == Approx(1 - 0.5 - 0.25 * (by_rate ? 0.5 : 1)).epsilon(1e-9));
    CHECK(b.data().item() == Approx(1 - 0.5).epsilon(1e-9));
    CHECK(c.data().item() == Approx(1 - 0.25 - 0.5 * (by_rate ? 0.25 : 1)).epsilon(1e-9));
  }
}

TEST_CASE("split_parameters leaves biases and norms out of weight decay", "[optim]") {
  Random random{1};
  nn::Sequential net{nn::Conv2D{1, 2, {.kernel = 3}, random}, nn::BatchNorm2D{2},
                     nn::Linear{2, 2, {}, random}};
  const auto [plain, weights] = nn::split_parameters(net, nn::is_bias_or_norm);
  REQUIRE(plain.size() == 4);
  REQUIRE(weights.size() == 2);
  CHECK(weights[0].rank() == 4);
  CHECK(weights[1].rank() == 2);
  for (const Variable& p : plain) CHECK(p.rank() == 1);
  CHECK(nn::is_bias_or_norm({.name = "b", .value = {}}));
  CHECK_FALSE(nn::is_bias_or_norm({.name = "b.W", .value = {}}));
  CHECK_FALSE(nn::is_bias_or_norm({.name = "conv.lamb", .value = {}}));

  for (Variable p : net.parameters()) p.set_grad(Variable{Array::zeros(p.shape(), p.dtype())});
  const Array gamma = plain[1].data().copy();
  const double weight = weights[1].data().data<float>()[0];
  nn::SGD optimizer{{{weights}, {.parameters = plain, .decay = 0}}, {.rate = 1, .weight_decay = 0.5}};
  optimizer.step();
  CHECK(identical(plain[1].data(), gamma));
  CHECK(weights[1].data().data<float>()[0] == Approx(weight / 2));
}

TEST_CASE("an optimizer can be moved", "[optim]") {
  Parameter p = test::parameter({1});
  nn::SGD first{{p}, {.rate = 1, .momentum = 0.5}};
  p.set_grad(test::variable({1}));
  first.step();
  nn::SGD second = std::move(first);
  second.step();
  CHECK(p.data().item() == -1.5);
}

TEST_CASE("optimizers refuse wrong groups and numbers", "[optim][error]") {
  Parameter p = test::parameter({1}), q = test::parameter({1});
  CHECK_THROWS_WITH((nn::SGD{{{.parameters = {p}}, {.parameters = {q}, .rate = -1}}}),
                    "SGD: rate of group 1 must not be negative (it is -1)\n"
                    "  hint: it is a factor of the optimizer's rate; 0 freezes the group");
  CHECK_THROWS_WITH((nn::Adam{{{.parameters = {p}, .decay = std::nan("")}}}),
                    "Adam: decay of group 0 must not be negative (it is nan)\n"
                    "  hint: it is a factor of the optimizer's weight decay; 0 turns it off");
  CHECK_THROWS_WITH((nn::RMSprop{{{.parameters = {p, q}}, {.parameters = {q}}}}),
                    "RMSprop: parameter 2 is parameter 1 again\n"
                    "  hint: list each parameter once");
  CHECK_THROWS_WITH((nn::Nesterov{{p}, {.momentum = 1}}),
                    "Nesterov: momentum must be at least 0 and less than 1 (momentum is 1)\n"
                    "  hint: 0.9 is usual");
  CHECK_THROWS_WITH((nn::Adam{{p}, {.beta1 = 1}}),
                    "Adam: beta1 must be at least 0 and less than 1 (beta1 is 1)\n"
                    "  hint: 0.9 is usual");
  CHECK_THROWS_WITH((nn::AdamW{{p}, {.beta2 = -0.1}}),
                    "AdamW: beta2 must be at least 0 and less than 1 (beta2 is -0.1)\n"
                    "  hint: 0.999 is usual");
  CHECK_THROWS_WITH((nn::Adam{{p}, {.eps = 0}}),
                    "Adam: eps must be positive (eps is 0)\n"
                    "  hint: 1e-8 is usual; it keeps the step finite where v is 0");
  CHECK_THROWS_AS((nn::AdamW{{p}, {.eta = -1}}), ValueError);
  CHECK_THROWS_AS((nn::AdamW{{p}, {.weight_decay = -1}}), ValueError);
  CHECK_THROWS_AS((nn::RMSprop{{p}, {.alpha = 1}}), ValueError);
  CHECK_THROWS_AS((nn::RMSprop{{p}, {.eps = -1}}), ValueError);
  CHECK_THROWS_AS((nn::Nesterov{{p}, {.rate = -1}}), ValueError);
  CHECK_THROWS_WITH((nn::AdaGrad{{p}, {.eps = 0}}),
                    "AdaGrad: eps must be positive (eps is 0)\n"
                    "  hint: 1e-8 is usual; it keeps the step finite where h is 0");
  CHECK_THROWS_AS((nn::AdaGrad{{p}, {.weight_decay = -1}}), ValueError);
  CHECK_THROWS_WITH((nn::AdaDelta{{p}, {.rho = 1}}),
                    "AdaDelta: rho must be at least 0 and less than 1 (rho is 1)\n"
                    "  hint: 0.95 is usual");
  CHECK_THROWS_WITH((nn::AdaDelta{{p}, {.eps = 0}}),
                    "AdaDelta: eps must be positive (eps is 0)\n"
                    "  hint: 1e-6 is usual; with 0 nothing would ever move");
  CHECK_THROWS_AS((nn::AdaDelta{{p}, {.weight_decay = -1}}), ValueError);
  nn::AdamW optimizer{{p}};
  CHECK_THROWS_WITH(optimizer.set_eta(-1),
                    "AdamW: eta must not be negative (eta is -1)\n"
                    "  hint: it multiplies the whole step; 1 is usual");
  CHECK(optimizer.eta() == 1);
}

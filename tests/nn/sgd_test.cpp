// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/sgd.hpp>

#include <catch2/catch.hpp>

#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>

#include "support/restore.hpp"
#include "support/values.hpp"

using namespace fathom;

TEST_CASE("SGD follows its formula by hand", "[sgd]") {
  Parameter p = test::parameter({1, -2});
  nn::SGD optimizer{{p}, {.rate = 0.5, .momentum = 0.5, .weight_decay = 0.25}};
  p.set_grad(test::variable({2, 4}));
  // g' = (2 + 0.25, 4 - 0.5); v = -0.5 g'; p += v
  optimizer.step();
  CHECK(identical(optimizer.state(0, "v"), Array::from({-1.125, -1.75}, {2})));
  CHECK(identical(p.data(), Array::from({-0.125, -3.75}, {2})));
  // The rate is inside the velocity: g' = (2 - 0.03125, 4 - 0.9375); v = 0.5 v - 1 g'
  optimizer.set_lr(1);
  optimizer.step();
  CHECK(identical(optimizer.state(0, "v"), Array::from({-2.53125, -3.9375}, {2})));
  CHECK(identical(p.data(), Array::from({-2.65625, -7.6875}, {2})));
  CHECK(optimizer.lr() == 1);
}

TEST_CASE("without momentum there is no velocity", "[sgd]") {
  Parameter p = test::parameter({1, -2});
  nn::SGD optimizer{{p}, {.rate = 0.5, .weight_decay = 0.25}};
  p.set_grad(test::variable({2, 4}));
  optimizer.step();
  CHECK(identical(p.data(), Array::from({-0.125, -3.75}, {2})));
  CHECK_THROWS_AS(optimizer.state(0, "v"), ValueError);
}

TEST_CASE("parameters without gradient stay, their velocity waits", "[sgd]") {
  Parameter p = test::parameter({1, 2});
  Parameter still = test::parameter({3});
  nn::SGD optimizer{{still, p}, {.rate = 1, .momentum = 0.5}};
  p.set_grad(test::variable({1, 1}));
  optimizer.step();
  CHECK(identical(still.data(), Array::from({3.0}, {1})));
  CHECK_FALSE(optimizer.state(0, "v").defined());
  CHECK(identical(p.data(), Array::from({0.0, 1.0}, {2})));

  optimizer.zero_grad();
  CHECK_FALSE(p.grad().defined());
  still.set_grad(test::variable({2}));
  optimizer.step();
  CHECK(identical(still.data(), Array::from({1.0}, {1})));
  CHECK(identical(p.data(), Array::from({0.0, 1.0}, {2})));
}

TEST_CASE("a step raises the version and leaves the gradient alone", "[sgd]") {
  Parameter p = test::parameter({1, 2});
  nn::SGD optimizer{{p}, {.rate = 1, .momentum = 0.9, .weight_decay = 0.1}};
  p.set_grad(test::variable({1, 1}));
  const std::uint64_t version = p.data().version();
  optimizer.step();
  CHECK(p.data().version() > version);
  CHECK(identical(p.grad().data(), Array::from({1.0, 1.0}, {2})));
}

TEST_CASE("an optimizer stays valid when its parameters move", "[sgd]") {
  Parameter p = test::parameter({1});
  nn::SGD optimizer{{p}, {.rate = 1}};
  Parameter moved = std::move(p);
  moved.set_grad(test::variable({0.25}));
  optimizer.step();
  CHECK(moved.data().item() == 0.75);
}

TEST_CASE("SGD steps many parameters of both dtypes, the same bits for any number of threads", "[sgd]") {
  const auto run = [](int threads) {
    set_num_threads(threads);
    Random random{9};
    std::vector<Parameter> parameters;
    Variables handles;
    for (std::int64_t size : {1, 40000, 7, 0, 65536, 33}) {
      const DType dtype = size % 2 == 0 ? DType::float32 : DType::float64;
      parameters.emplace_back(normal(random.key(), {size}, 0, 1, dtype));
      parameters.back().set_grad(Variable{normal(random.key(), {size}, 0, 1, dtype)});
      handles.push_back(parameters.back());
    }
    nn::SGD optimizer{handles, {.rate = 0.1, .momentum = 0.9, .weight_decay = 0.01}};
    for (int step = 0; step < 3; ++step) optimizer.step();
    Arrays after;
    for (const Parameter& p : parameters) after.push_back(p.data());
    return after;
  };
  const test::RestoreSettings restore;
  const Arrays one = run(1);
  const Arrays three = run(3);

  for (std::size_t i = 0; i < one.size(); ++i) CHECK(identical(one[i], three[i]));
  // Against the formula, one element of each large one.
  Random random{9};
  static_cast<void>(random.key());
  static_cast<void>(random.key());
  auto p = normal(random.key(), {40000}, 0, 1, DType::float32).data<float>()[39999];
  const auto g = normal(random.key(), {40000}, 0, 1, DType::float32).data<float>()[39999];
  float v = 0;
  for (int step = 0; step < 3; ++step) {
    v = 0.9F * v - 0.1F * (g + 0.01F * p);
    p += v;
  }
  CHECK(one[1].data<float>()[39999] == Approx(p).epsilon(1e-6));
}

TEST_CASE("SGD refuses wrong numbers and repeated parameters", "[sgd][error]") {
  Parameter p = test::parameter({1});
  CHECK_THROWS_WITH((nn::SGD{{p}, {.rate = -1}}),
                    "SGD: rate must not be negative (rate is -1)\n"
                    "  hint: an optimizer goes against the gradient by itself");
  CHECK_THROWS_WITH((nn::SGD{{p}, {.momentum = 1}}),
                    "SGD: momentum must be at least 0 and less than 1 (momentum is 1)\n"
                    "  hint: 0.9 is usual, 0 turns it off");
  CHECK_THROWS_WITH((nn::SGD{{p}, {.weight_decay = -0.5}}),
                    "SGD: weight_decay must not be negative (weight_decay is -0.5)\n"
                    "  hint: 1e-4 is usual, 0 turns it off");
  CHECK_THROWS_WITH((nn::SGD{{p, p}}),
                    "SGD: parameter 1 is parameter 0 again\n"
                    "  hint: list each parameter once");
  nn::SGD optimizer{{p}};
  CHECK_THROWS_AS(optimizer.set_lr(-0.1), ValueError);
  CHECK(optimizer.lr() == 0.01);
}

TEST_CASE("a parameter that changed its type after the first step is an error", "[sgd][error]") {
  Parameter p = test::parameter({1});
  Parameter q = test::parameter({1});
  nn::SGD optimizer{{q, p}, {.rate = 1, .momentum = 0.9}};
  p.set_grad(test::variable({1}));
  optimizer.step();
  p.set_data(p.data().astype(DType::float32));
  p.set_grad(Variable{Array::ones({1}, DType::float32)});
  q.set_grad(test::variable({1}));
  CHECK_THROWS_WITH(optimizer.step(),
                    "SGD: parameter 1 was float64 [1] at the first step and is float32 [1] now\n"
                    "  hint: make the optimizer after Module::to and after replacing parameters");
  CHECK(q.data().item() == 1);
}

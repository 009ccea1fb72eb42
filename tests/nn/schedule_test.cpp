// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/schedule.hpp>

#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/core/error.hpp>

using namespace fathom;

TEST_CASE("one_cycle rises in a line and falls along a cosine", "[schedule]") {
  const nn::OneCycleOptions options{.peak = 2, .warm_up = 0.25, .start = 0.1, .end = 0.05};
  struct Row {
    std::int64_t step;
    double rate;
  };
  const auto row = GENERATE(values<Row>({
      {0, 0.2},
      {5, 0.2 + 1.8 / 2},
      {10, 2},
      {20, 0.1 + 1.9 * 0.75},  // a third of the way down: (1 + cos 60 deg) / 2
      {25, 0.1 + 1.9 / 2},
      {40, 0.1},
  }));
  CHECK(nn::one_cycle(row.step, 40, options) == Approx(row.rate).epsilon(1e-14));
}

TEST_CASE("one_cycle is greatest at the peak and keeps its order on both sides", "[schedule]") {
  for (std::int64_t step = 0; step < 100; ++step) {
    const double here = nn::one_cycle(step, 100, {.peak = 0.5, .warm_up = 0.3});
    const double next = nn::one_cycle(step + 1, 100, {.peak = 0.5, .warm_up = 0.3});
    INFO(step);
    CHECK((step < 30 ? here < next : here > next));
  }
  CHECK(nn::one_cycle(30, 100, {.peak = 0.5, .warm_up = 0.3}) == 0.5);
}

TEST_CASE("one_cycle without warm-up, and with nothing else", "[schedule]") {
  CHECK(nn::one_cycle(0, 10, {.peak = 1, .warm_up = 0}) == 1);
  CHECK(nn::one_cycle(5, 10, {.peak = 1, .warm_up = 1, .start = 0}) == 0.5);
  CHECK(nn::one_cycle(10, 10, {.peak = 1, .warm_up = 1}) == 1);
}

TEST_CASE("one_cycle refuses steps outside the training", "[schedule][error]") {
  CHECK_THROWS_WITH(nn::one_cycle(-1, 10),
                    "one_cycle: step must be between 0 and total (step is -1, total 10)\n"
                    "  hint: count steps from 0, and all of them in total");
  CHECK_THROWS_WITH(nn::one_cycle(11, 10),
                    "one_cycle: step must be between 0 and total (step is 11, total 10)\n"
                    "  hint: count steps from 0, and all of them in total");
  CHECK_THROWS_WITH(nn::one_cycle(0, 0),
                    "one_cycle: total must be at least 1 (total is 0)\n"
                    "  hint: it is the number of all steps, epochs times batches");
  CHECK_THROWS_WITH(nn::one_cycle(0, 10, {.warm_up = 1.5}),
                    "one_cycle: warm_up must be between 0 and 1 (warm_up is 1.5)\n"
                    "  hint: it is a share of total, not a number of steps");
}

TEST_CASE("schedules follow their formulas, at their edges too", "[schedule]") {
  struct Row {
    double rate, expected;
  };
  const nn::StepDecayOptions by_steps{.rate = 2, .every = 10, .factor = 0.5};
  const nn::MultiStepDecayOptions multi{.rate = 2, .at = {5, 8, 8}, .factor = 0.5};
  const nn::CosineDecayOptions cosine{.rate = 2, .floor = 0.5};
  const nn::PolynomialDecayOptions poly{.rate = 2, .floor = 0.5, .power = 3};
  const auto row = GENERATE_COPY(values<Row>({
      {nn::step_decay(0, by_steps), 2},
      {nn::step_decay(9, by_steps), 2},
      {nn::step_decay(10, by_steps), 1},
      {nn::step_decay(39, by_steps), 0.25},
      {nn::step_decay(29), 0.1},
      {nn::step_decay(30), 0.01},
      {nn::multi_step_decay(4, multi), 2},
      {nn::multi_step_decay(5, multi), 1},
      {nn::multi_step_decay(7, multi), 1},
      {nn::multi_step_decay(8, multi), 0.25},  // twice in the list: two changes at once
      {nn::multi_step_decay(1000, multi), 0.25},
      {nn::multi_step_decay(1000, {.rate = 3}), 3},
      {nn::multi_step_decay(0, {.rate = 3, .at = {0}}), 0.3},
      {nn::exponential_decay(0, {.rate = 2, .factor = 0.5}), 2},
      {nn::exponential_decay(5, {.rate = 2, .factor = 0.5}), 2.0 / 32},
      {nn::exponential_decay(2), 0.1 * 0.95 * 0.95},
      {nn::cosine_decay(0, 60, cosine), 2},
      {nn::cosine_decay(20, 60, cosine), 0.5 + 1.5 * 0.75},  // (1 + cos 60 deg) / 2
      {nn::cosine_decay(30, 60, cosine), 1.25},
      {nn::cosine_decay(60, 60, cosine), 0.5},
      {nn::cosine_decay(1, 1), 0},
      {nn::polynomial_decay(0, 60, poly), 2},
      {nn::polynomial_decay(30, 60, poly), 0.5 + 1.5 / 8},
      {nn::polynomial_decay(60, 60, poly), 0.5},
      {nn::polynomial_decay(1, 4), 0.075},
      {nn::polynomial_decay(7, 16, {.rate = 1, .power = 0.5}), 0.75},
      {nn::warm_up(0, 4), 0},
      {nn::warm_up(1, 4), 0.25},
      {nn::warm_up(4, 4), 1},
      {nn::warm_up(5, 4), 1},
      {nn::warm_up(1, 4, 0.2), 0.4},
      {nn::warm_up(0, 0), 1},
      {nn::warm_up(3, 4) * nn::step_decay(3, by_steps), 1.5},
  }));
  CHECK(row.rate == Approx(row.expected).epsilon(1e-14).margin(1e-16));
}

TEST_CASE("schedules refuse steps and options outside their range", "[schedule][error]") {
  CHECK_THROWS_WITH(nn::step_decay(-1),
                    "step_decay: step must be at least 0 (it is -1)\n"
                    "  hint: steps count from 0");
  CHECK_THROWS_WITH(nn::step_decay(0, {.every = 0}),
                    "step_decay: every must be at least 1 (it is 0)\n"
                    "  hint: it is a number of steps");
  CHECK_THROWS_WITH(nn::step_decay(0, {.factor = 0}),
                    "step_decay: factor must be positive (factor is 0)\n"
                    "  hint: it multiplies the rate; 0.1 is usual");
  CHECK_THROWS_WITH(nn::multi_step_decay(0, {.at = {3, 2}}),
                    "multi_step_decay: the steps in `at` must ascend\n"
                    "  hint: sort them");
  CHECK_THROWS_WITH(nn::exponential_decay(0, {.rate = -1}),
                    "exponential_decay: rate must not be negative (rate is -1)\n"
                    "  hint: it is the rate of step 0");
  CHECK_THROWS_WITH(nn::cosine_decay(11, 10),
                    "cosine_decay: step must be between 0 and total (step is 11, total 10)\n"
                    "  hint: count steps from 0, and all of them in total");
  CHECK_THROWS_WITH(nn::warm_up(0, 5, 1.5),
                    "warm_up: start must be between 0 and 1 (start is 1.5)\n"
                    "  hint: it is a share of the rate that follows");
  CHECK_THROWS_WITH(nn::polynomial_decay(0, 5, {.power = 0}),
                    "polynomial_decay: power must be positive (power is 0)\n"
                    "  hint: 1 is a straight line");
  CHECK_THROWS_AS(nn::polynomial_decay(6, 5), ValueError);
  CHECK_THROWS_AS(nn::polynomial_decay(0, 1, {.rate = -1}), ValueError);
  CHECK_THROWS_AS(nn::polynomial_decay(0, 1, {.floor = -1}), ValueError);
  CHECK_THROWS_AS(nn::cosine_decay(0, 0), ValueError);
  CHECK_THROWS_AS(nn::cosine_decay(0, 1, {.floor = -1}), ValueError);
  CHECK_THROWS_AS(nn::multi_step_decay(-1, {}), ValueError);
  CHECK_THROWS_AS(nn::exponential_decay(-1), ValueError);
  CHECK_THROWS_AS(nn::warm_up(-1, 5), ValueError);
  CHECK_THROWS_AS(nn::warm_up(0, -5), ValueError);
}

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

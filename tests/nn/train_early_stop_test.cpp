// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/early_stop.hpp>

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

#include <fathom/core/error.hpp>

using namespace fathom;
using namespace fathom::nn::train;

namespace {

EpochRecord epoch(std::int64_t number, double loss, double accuracy) {
  return {.epoch = number, .validation = Evaluation{.loss = loss, .accuracy = accuracy}};
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The number of the epoch after which it wants to stop, 0 for none.
std::int64_t stops_after(const EarlyStopOptions& options, const std::vector<double>& values) {
  EarlyStop stop{options};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i) + 1;
    stop.on_epoch(options.watch == StopOn::loss ? epoch(number, values[i], 0.5)
                                                : epoch(number, 1, values[i]));
    if (stop.wants_to_stop()) return number;
  }
  return 0;
}

}  // namespace

TEST_CASE("a training stops after so many epochs that were no better", "[train][early_stop]") {
  CHECK(stops_after({.patience = 2}, {3, 2, 2.5, 1, 1, 1.5, 0}) == 6);
  CHECK(stops_after({.patience = 1}, {3, 2, 1, 0.5}) == 0);
  CHECK(stops_after({.patience = 2, .least_improvement = 0.1}, {3, 2.95, 2.92}) == 3);
  CHECK(stops_after({.patience = 2, .watch = StopOn::accuracy}, {0.5, 0.6, 0.6, 0.59}) == 4);
  CHECK(stops_after({.patience = 2}, {kNaN, kNaN, 1}) == 2);
  CHECK(stops_after({.patience = 2}, {kNaN, 2, kNaN, 1, kNaN, 3}) == 6);
}

TEST_CASE("what it has counted outlives an interruption", "[train][early_stop]") {
  EarlyStop first{{.patience = 3}}, second{{.patience = 3}};
  for (std::int64_t i = 1; i <= 3; ++i) first.on_epoch(epoch(i, i == 1 ? 1 : 2, 0));
  second.set_state(first.state());
  CHECK(second.best_epoch() == 1);
  CHECK_FALSE(second.wants_to_stop());
  second.on_epoch(epoch(4, 1.5, 0));
  CHECK(second.wants_to_stop());
}

TEST_CASE("it needs a validation and sensible options", "[train][early_stop][error]") {
  CHECK_THROWS_WITH(EarlyStop{}.on_epoch({.epoch = 2}),
                    "EarlyStop: epoch 2 has no validation\n"
                    "  hint: give the trainer images to validate on: Trainer::validate_on");
  CHECK_THROWS_AS(EarlyStop{{.patience = 0}}, ValueError);
  CHECK_THROWS_AS((EarlyStop{{.least_improvement = -1}}), ValueError);
}

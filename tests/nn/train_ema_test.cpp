// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/ema.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include <fathom/core/error.hpp>

#include "nn/train_task.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;

namespace {

/// One number of each kind.
struct Numbers : nn::Module {
  Parameter w{Array::from({1.0F, 10.0F}, {2})};
  nn::Buffer statistic{Array::from({2.0}, {1})};
  nn::Buffer count{Array::from<std::int64_t>({7}, {1})};
  FATHOM_MODULE(w, statistic, count)
  void set(float value) {
    w.mutable_data().mutable_data<float>()[0] = value;
    *statistic.mutable_data().mutable_data<double>() = 2 * value;
    ++*count.mutable_data().mutable_data<std::int64_t>();
  }
};

}  // namespace

TEST_CASE("averages follow their formula, for weights and buffers", "[train][ema]") {
  const bool warm_up = GENERATE(false, true);
  Numbers net;
  Ema ema{net, {.decay = 0.5, .warm_up = warm_up}};
  CHECK(ema.state().empty());
  double want = 0;
  const std::vector<float> values{3, -1, 4, 8, -2, 6, 0, 1, 5, 9, 2, 6};
  for (std::size_t t = 0; t < values.size(); ++t) {
    net.set(values[t]);
    ema.update();
    const double ramp = (1 + static_cast<double>(t)) / (10 + static_cast<double>(t));
    const double decay = t == 0 ? 0 : warm_up ? std::min(0.5, ramp) : 0.5;
    want = decay * want + (1 - decay) * static_cast<double>(values[t]);
    const NamedArrays state = ema.state();
    REQUIRE(state.size() == 3);
    CHECK(state[0].first == "w");
    CHECK(state[0].second.data<float>()[0] == Approx(want).epsilon(1e-6));
    CHECK(state[0].second.data<float>()[1] == 10);
    CHECK(state[1].second.item() == Approx(2 * want).epsilon(1e-12));
    CHECK(state[2].second.item() == static_cast<double>(8 + t));
  }
  CHECK(ema.updates() == 12);
}

TEST_CASE("within a scope the module has the averages", "[train][ema]") {
  nn::Sequential net = test::task_net(1);
  Ema ema{net, {.decay = 0.9}};
  { const EmaScope nothing_yet{ema}; }
  ema.update();
  for (const auto& [name, value] : net.named_parameters())
    Array(value.data()).assign(Array::ones(value.shape(), value.dtype()));
  ema.update();
  const NamedArrays weights = test::arrays_of(net);
  NamedArrays averages;
  for (const auto& [name, value] : ema.state()) averages.emplace_back(name, value.copy());
  CHECK_FALSE(test::first_difference(weights, averages).empty());
  {
    const EmaScope scope{ema};
    CHECK(test::first_difference(test::arrays_of(net), averages).empty());
  }
  CHECK(test::first_difference(test::arrays_of(net), weights).empty());
}

TEST_CASE("averages that do not fit are refused", "[train][ema][error]") {
  Numbers net;
  Ema ema{net};
  ema.update();
  NamedArrays averages = ema.state();
  averages.pop_back();
  CHECK_THROWS_WITH(
      ema.set_state(averages, 1),
      "Ema::set_state: there must be an average for each array of the module (2 averages, 3 arrays)\n"
      "  hint: the module must be built as the one that was averaged");
  averages = ema.state();
  averages[1].second = Array::ones({2}, DType::float64);
  CHECK_THROWS_WITH(ema.set_state(averages, 1),
                    Contains("average 1 must be statistic float64 [1] (it is statistic float64 [2])"));
  CHECK_THROWS_WITH((Ema{net, {.decay = 1}}), Contains("Ema: decay must be"));
  nn::BatchNorm2D waiting;
  CHECK_THROWS_WITH(Ema{waiting}.update(), Contains("Ema: gamma has no data yet"));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/evaluate.hpp>

#include <catch2/catch.hpp>
#include <cmath>

#include <fathom/core/error.hpp>
#include <fathom/nn/layers/flatten.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "nn/train_task.hpp"

using namespace fathom;
using namespace fathom::nn::train;

namespace {

/// The pixels are the scores: 5 images of 1 x 6 with their labels.
nn::DataLoader scores_loader(std::int64_t batch) {
  return {Array::from({9.F, 0.F, 1.F, 2.F, 3.F, 4.F,   // label 0: right
                       0.F, 1.F, 2.F, 3.F, 4.F, 5.F,   // label 0: taken for 5, the last of all
                       0.F, 8.F, 2.F, 3.F, 4.F, 5.F,   // label 1: right
                       0.F, 1.F, 2.F, 3.F, 4.F, 5.F,   // label 1: taken for 5, the fifth
                       0.F, 1.F, 2.F, 3.F, 4.F, 5.F},  // label 5: right
                      {5, 1, 6}),
          Array::from<std::int64_t>({0, 0, 1, 1, 5}, {5}),
          {.batch = batch, .shuffle = false}};
}

}  // namespace

TEST_CASE("an evaluation counts over all batches", "[train][evaluate]") {
  nn::Flatten net;
  const std::int64_t batch = GENERATE(1, 2, 5);
  const Evaluation result = evaluate(net, scores_loader(batch));
  CHECK(result.images == 5);
  CHECK(result.accuracy == Approx(0.6));
  CHECK(result.top5 == Approx(0.8));
  REQUIRE(result.confusion.shape() == Shape{6, 6});
  const auto* m = result.confusion.data<std::int64_t>();
  CHECK(m[0] == 1);
  CHECK(m[5] == 1);
  CHECK(m[6 + 1] == 1);
  CHECK(m[6 + 5] == 1);
  CHECK(m[35] == 1);
  const nn::Batch all = *scores_loader(5).begin();
  CHECK(result.loss ==
        Approx(ops::softmax_cross_entropy(net(Variable{all.images}), all.labels).item()).epsilon(1e-6));
  const auto constant = [](const Variable&, const Array&) {
    return Variable{Array::scalar(3, DType::float32)};
  };
  CHECK(evaluate(net, scores_loader(batch), constant).loss == 3);
}

TEST_CASE("an evaluation leaves the net and the loader as they are", "[train][evaluate]") {
  nn::Sequential net = test::task_net(1);
  nn::DataLoader loader = test::task_loader(20, {.batch = 8});
  const NamedArrays before = test::arrays_of(net);
  const Evaluation result = evaluate(net, loader);
  CHECK(result.images == 20);
  CHECK(result.top5 == 1);  // of four classes
  CHECK(net.is_training());
  CHECK(loader.epoch() == 0);
  CHECK(test::first_difference(before, test::arrays_of(net)).empty());
  const Evaluation again = evaluate(net, loader);
  CHECK(again.loss == result.loss);
}

TEST_CASE("a loader without images cannot be evaluated", "[train][evaluate][error]") {
  nn::Flatten net;
  CHECK_THROWS_AS(evaluate(net, test::task_loader(4, {.batch = 8, .drop_last = true})), ValueError);
}

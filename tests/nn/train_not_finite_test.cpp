// SPDX-License-Identifier: BSD-3-Clause
// What a trainer does about a NaN or an infinity.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/train/trainer.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/math.hpp>

#include "nn/train_task.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;

namespace {

/// y = x / w, and the square root of a weight: what breaks forward when `w` is 0, and backward alone when
/// `root` is.
struct Fragile : nn::Module {
  Parameter w{Array::ones({}, DType::float32)};
  Parameter root{Array::ones({}, DType::float32)};
  nn::BatchNorm2D bn{1};
  nn::Linear linear;
  FATHOM_MODULE(w, root, bn, linear)
  explicit Fragile(Random& random) : linear{64, 4, {}, random} {}
  Variable forward(const Variable& x) override { return linear(bn(x / w)) + ops::sqrt(root) * 1e-3; }
};

/// Makes a parameter 0 after a step.
class Breaker final : public Callback {
 public:
  Breaker(Parameter& parameter, std::int64_t after, float value)
      : parameter_(parameter), after_(after), value_(value) {}
  void on_step(const StepRecord& record) override {
    if (record.step == after_) *parameter_.mutable_data().mutable_data<float>() = value_;
  }

 private:
  Parameter& parameter_;
  std::int64_t after_;
  float value_;
};

}  // namespace

TEST_CASE("a NaN or an infinity ends a training and is named", "[train][trainer][error]") {
  const TemporaryDirectory directory;
  const bool forward = GENERATE(true, false);
  Random random{1};
  Fragile net{random};
  nn::SGD optimizer{net.parameters(), {.rate = 0.01}};
  Trainer trainer{net,
                  optimizer,
                  test::task_loader(64, {.batch = 16}),
                  {.epochs = 3, .checkpoints = directory / "run", .checkpoint_steps = 2}};
  Breaker breaker{forward ? net.w : net.root, 3, 0};
  trainer.add(breaker);
  const std::string last = directory / "run/checkpoint-000000002.npz";
  CHECK_THROWS_WITH(trainer.run(),
                    Contains("Trainer: step 4 of 12, in epoch 1, is not finite; learning rate 0.01\n"
                             "  the last good checkpoint is " +
                             last + "\n") &&
                        Contains(forward ? "div: made" : "backward of sqrt: made "));
  CHECK(Checkpoints(directory / "run").paths() == std::vector<std::string>{last});
  // Neither the statistics nor the gradients have seen it.
  for (const auto& [name, value] : net.named_buffers()) CHECK(std::isfinite(value.data<float>()[0]));
  for (const Variable& parameter : net.parameters()) CHECK_FALSE(parameter.grad().defined());
}

TEST_CASE("weights that are not finite get no checkpoint", "[train][trainer][error]") {
  const TemporaryDirectory directory;
  nn::Sequential net = test::task_net(4);
  nn::SGD optimizer{net.parameters(), {.rate = 0.01}};
  Trainer trainer{net,
                  optimizer,
                  test::task_loader(112, {.batch = 16}),
                  {.epochs = 2, .checkpoints = directory / "run", .checkpoint_steps = 3}};
  Parameter& bias = dynamic_cast<nn::Linear*>(net.named_modules().back().module)->b;
  Breaker breaker{bias, 3, std::numeric_limits<float>::infinity()};
  trainer.add(breaker);
  CHECK_THROWS_WITH(
      trainer.run(),
      Contains("Trainer: a weight is not finite after step 3 of 14; learning rate 0.01\n" +
               directory / "run/checkpoint-000000003.npz" +
               ": is not written, as 7.b is not finite: 1 inf, 3 finite, from ") &&
          Contains("\n  hint: lower the rate, or clip the gradient; a DebugScope says where it begins"));
  CHECK(Checkpoints(directory / "run").paths().empty());
}

TEST_CASE("neither a loop by hand nor save_weights writes weights that are not finite",
          "[train][checkpoint][trainer][error]") {
  const TemporaryDirectory directory;
  nn::Sequential net = test::task_net(4);
  nn::SGD optimizer{net.parameters(), {.rate = 0.01}};
  Ema ema{net};
  const Checkpoints checkpoints(directory / "run");
  TrainingState state{.net = net, .optimizer = optimizer, .ema = &ema};
  const std::string good = checkpoints.save(state);

  Trainer trainer{net, optimizer, test::task_loader(64, {.batch = 16})};
  ema.update();
  ema.state().front().second.mutable_data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(checkpoints.save(state),
                    Contains("is not written, as the average of 0.W is not finite: 1 nan, 71 finite"));
  trainer.save_weights(directory / "good.npz");
  const Bytes weights = read_file(directory / "good.npz");

  state.position.step = 1;
  *net.named_buffers().front().value.mutable_data<float>() = std::numeric_limits<float>::infinity();
  const std::string name = net.named_buffers().front().name;
  CHECK_THROWS_AS(checkpoints.save(state), NumericError);
  CHECK_THROWS_WITH(checkpoints.save(state),
                    Contains("run/checkpoint-000000001.npz: is not written, as " + name));
  CHECK_THROWS_WITH(save_checkpoint(state, directory / "a.npz"),
                    Contains("a.npz: is not written, as " + name));
  CHECK_THROWS_WITH(trainer.save_weights(directory / "good.npz"),
                    Contains("good.npz: is not written, as " + name + " is not finite: 1 inf, 7 finite"));
  CHECK(checkpoints.paths() == std::vector<std::string>{good});
  CHECK(read_file(directory / "good.npz") == weights);
  CHECK(directory.count() == 2);
}

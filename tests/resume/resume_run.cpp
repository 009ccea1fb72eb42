// SPDX-License-Identifier: BSD-3-Clause
// `resume_run DIRECTORY` trains a small net with checkpoints in DIRECTORY/run, goes on from them, says "step
// N" after each step, and writes the weights into DIRECTORY/weights.npz and their averages into
// DIRECTORY/averages.npz. Ends with 3 when it was interrupted.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>

#include <fathom/nn/io/serialize.hpp>
#include <fathom/nn/optim/groups.hpp>
#include <fathom/nn/optim/schedule.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/train/trainer.hpp>

#include "nn/train_task.hpp"

using namespace fathom;
using namespace fathom::nn::train;

namespace {

class Speaker final : public Callback {
 public:
  void on_step(const StepRecord& record) override { say(fmt::format("step {}", record.step)); }
  bool on_note(std::string_view text) override {
    say(text);
    return true;
  }

 private:
  static void say(std::string_view text) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
  }
};

Ending run(const std::string& directory) {
  nn::Sequential net = test::task_net(1);
  nn::SGD optimizer{nn::no_decay_groups(net), {.momentum = 0.9, .weight_decay = 5e-4}};
  const auto add_noise = [](nn::Batch& batch, RandomKey key) {
    const Array noise = normal(key, batch.images.shape(), 0, 0.1, DType::float32);
    float* pixels = batch.images.mutable_data<float>();
    for (std::int64_t i = 0; i < noise.size(); ++i) pixels[i] += noise.data<float>()[i];
  };
  Trainer trainer{net,
                  optimizer,
                  test::task_loader(100, {.batch = 16, .workers = 2, .transform = add_noise}),
                  {.epochs = 12,
                   .schedule = [](std::int64_t step,
                                  std::int64_t steps) { return nn::one_cycle(step, steps, {.peak = 0.05}); },
                   .label_smoothing = 0.1,
                   .ema = EmaOptions{.decay = 0.95},
                   .checkpoints = directory + "/run",
                   .checkpoint_steps = 2}};
  trainer.validate_on(test::task_loader(32, {.batch = 32, .shuffle = false}, 2));
  Speaker speaker;
  trainer.add(speaker);
  const Ending ending = trainer.run().ending;
  if (ending == Ending::finished) {
    nn::save(net, directory + "/weights.npz");
    trainer.save_weights(directory + "/averages.npz");
  }
  return ending;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    return run(argv[1]) == Ending::interrupted ? 3 : 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

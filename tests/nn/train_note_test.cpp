// SPDX-License-Identifier: BSD-3-Clause
// What a trainer has to say reaches the user, whatever callbacks there are.
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>

#include <fathom/nn/optim/sgd.hpp>
#include <fathom/nn/train/progress.hpp>
#include <fathom/nn/train/trainer.hpp>

#include "nn/train_task.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

/// Raises SIGINT after a step, 0 being before the first; -1: never. Shows nothing.
class Interrupter final : public Callback {
 public:
  explicit Interrupter(std::int64_t after) : after_(after) {}
  void on_start(std::int64_t /*first*/) override { raise_after(0); }
  void on_step(const StepRecord& record) override { raise_after(record.step); }

 private:
  void raise_after(std::int64_t step) const {
    if (step == after_) REQUIRE(std::raise(SIGINT) == 0);
  }
  std::int64_t after_;
};

/// What is written to std::cerr.
class CapturedErrors {
 public:
  CapturedErrors() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  CapturedErrors(const CapturedErrors&) = delete;
  CapturedErrors& operator=(const CapturedErrors&) = delete;
  ~CapturedErrors() { std::cerr.rdbuf(before_); }
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

/// What std::cerr got from a training of 12 steps, with a checkpoint after each if there is a directory.
std::string errors_of(const std::string& directory, std::int64_t interrupt_after, Callback* other = nullptr) {
  nn::Sequential net = test::task_net(4);
  nn::SGD optimizer{net.parameters()};
  Trainer trainer{net,
                  optimizer,
                  test::task_loader(64, {.batch = 16}),
                  {.epochs = 3, .checkpoints = directory, .checkpoint_steps = 1}};
  Interrupter interrupter{interrupt_after};
  trainer.add(interrupter);
  if (other != nullptr) trainer.add(*other);
  const CapturedErrors errors;
  const Ending ending = trainer.run().ending;
  CHECK((ending == Ending::interrupted) == (interrupt_after >= 0));
  return errors.text();
}

}  // namespace

TEST_CASE("a note that no callback shows is written to standard error", "[train][trainer][interrupt]") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run", fifth = run + "/checkpoint-000000005.npz",
                    sixth = run + "/checkpoint-000000006.npz";
  CHECK(errors_of(run, 6) == "interrupted by SIGINT (Ctrl-C) after step 6 of 12; " + sixth +
                                 " is saved: the same command goes on from there\n");
  std::filesystem::resize_file(sixth, 1000);
  std::ostringstream out;
  Progress progress{{.out = &out}};
  CHECK(errors_of(run, 7, &progress).empty());
  CHECK_THAT(out.str(), Contains("passed over: " + sixth + ": is truncated or corrupt") &&
                            Contains("going on after step 5 of 12, from " + fifth) &&
                            Contains("interrupted by SIGINT (Ctrl-C) after step 7 of 12; "));
  std::filesystem::resize_file(run + "/checkpoint-000000007.npz", 1000);
  CHECK_THAT(errors_of(run, -1),
             Contains("passed over: " + run + "/checkpoint-000000007.npz: is truncated") &&
                 Contains("\ngoing on after step 6 of 12, from " + sixth + "\n"));
}

TEST_CASE("an interruption says why nothing is saved", "[train][trainer][interrupt]") {
  const TemporaryDirectory directory;
  CHECK_THAT(errors_of(directory / "run", 0),
             Equals("interrupted by SIGINT (Ctrl-C) after step 0 of 12; there is nothing to save yet\n"));
  CHECK_THAT(errors_of("", 0),
             Equals("interrupted by SIGINT (Ctrl-C) after step 0 of 12; nothing is saved: there are "
                    "no checkpoints\n"));
  CHECK_THAT(errors_of("", 3), Contains("after step 3 of 12; nothing is saved: there are no checkpoints\n"));
}

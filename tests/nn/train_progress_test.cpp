// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/progress.hpp>

#include <catch2/catch.hpp>
#include <sstream>

using namespace fathom::nn::train;

namespace {

StepRecord step_record(std::int64_t step, double seconds) {
  return {.epoch = 1,
          .epochs = 3,
          .step = step,
          .steps = 30,
          .images = 64 * step,
          .images_per_epoch = 640,
          .loss = 0.5,
          .accuracy = 0.8,
          .learning_rate = 0.1,
          .seconds = seconds};
}

}  // namespace

TEST_CASE("without a terminal there is one plain line for an epoch", "[train][progress]") {
  std::ostringstream out;
  Progress progress{{.out = &out}};
  progress.on_start(0);
  progress.on_note("a note");
  progress.on_step(step_record(1, 1));
  progress.on_epoch({.epoch = 1,
                     .epochs = 3,
                     .loss = 0.33906,
                     .accuracy = 0.87125,
                     .images_per_second = 41234.4,
                     .seconds = 83.2});
  progress.on_epoch({.epoch = 2,
                     .epochs = 3,
                     .loss = 0.25,
                     .accuracy = 0.9,
                     .images_per_second = 100,
                     .seconds = 90,
                     .validation = Evaluation{.loss = 0.5, .accuracy = 0.75}});
  progress.on_end();
  CHECK(out.str() ==
        "a note\n"
        "epoch 1/3: loss 0.3391, accuracy 87.12 %, 41234 images/s, 83 s\n"
        "epoch 2/3: loss 0.2500, accuracy 90.00 %, validation loss 0.5000, accuracy 75.00 %, 100 images/s, "
        "90 s\n");
}

TEST_CASE("on a terminal a bar is drawn again and again, and lines replace it", "[train][progress]") {
  std::ostringstream out;
  Progress progress{{.out = &out, .columns = 80}};
  progress.on_start(0);
  progress.on_step(step_record(1, 10));
  CHECK(out.str() == "\r\x1b[Kepoch 1/3 [=>                  ] loss 0.5000, 80.00 %");
  progress.on_step(step_record(2, 10.05));  // too soon
  out.str("");
  progress.on_step(step_record(5, 12));
  // 256 images in 2 s; 25 steps of 0.5 s are left.
  CHECK(out.str() ==
        "\r\x1b[Kepoch 1/3 [=========>          ] loss 0.5000, 80.00 %, 128 images/s, 0:13 left");
  out.str("");
  progress.on_step(step_record(10, 12.01));  // the last of an epoch is never too soon
  CHECK(out.str().find("=] loss") != std::string::npos);
  out.str("");
  progress.on_note("stopped");
  CHECK(out.str() == "\r\x1b[Kstopped\n");
  out.str("");
  progress.on_end();
  CHECK(out.str().empty());
}

TEST_CASE("a bar fits every terminal", "[train][progress]") {
  for (const std::int64_t columns : {10, 40, 60, 72, 80, 200}) {
    std::ostringstream out;
    Progress progress{{.out = &out, .columns = columns}};
    progress.on_start(0);
    progress.on_step(step_record(1, 10));
    progress.on_step(step_record(5, 12));
    CAPTURE(columns, out.str());
    CHECK(static_cast<std::int64_t>(out.str().size() - out.str().rfind('\r')) - 4 <= columns - 1);
  }
}

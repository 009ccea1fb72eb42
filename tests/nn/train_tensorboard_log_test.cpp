// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/tensorboard_log.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <fathom/core/error.hpp>
#include <fathom/nn/train/log/tensorboard_log/event.hpp>

#include "nn/train_records.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;
namespace events = fathom::nn::train::detail;

namespace {

/// What TensorBoard 2.21 wrote with the events of the test below.
constexpr unsigned char kRecorded[] = {
    0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa3, 0x7f, 0x4b, 0x22, 0x09, 0x00, 0x00, 0x10, 0x40,
    0xfc, 0x54, 0xd9, 0x41, 0x1a, 0x0d, 0x62, 0x72, 0x61, 0x69, 0x6e, 0x2e, 0x45, 0x76, 0x65, 0x6e, 0x74,
    0x3a, 0x32, 0x33, 0x8d, 0x2f, 0xe9, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3c, 0x37, 0xb8,
    0x34, 0x09, 0x00, 0x00, 0x60, 0x40, 0xfc, 0x54, 0xd9, 0x41, 0x3a, 0x02, 0x08, 0x01, 0xa7, 0xea, 0xe1,
    0xfa, 0x3e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd9, 0xd2, 0x40, 0xe7, 0x09, 0x00, 0x00, 0x80,
    0x40, 0xfc, 0x54, 0xd9, 0x41, 0x10, 0xac, 0x02, 0x2a, 0x30, 0x0a, 0x14, 0x0a, 0x0d, 0x6c, 0x6f, 0x73,
    0x73, 0x2f, 0x74, 0x72, 0x61, 0x69, 0x6e, 0x69, 0x6e, 0x67, 0x15, 0x00, 0x00, 0x20, 0x3f, 0x0a, 0x18,
    0x0a, 0x11, 0x61, 0x63, 0x63, 0x75, 0x72, 0x61, 0x63, 0x79, 0x2f, 0x74, 0x72, 0x61, 0x69, 0x6e, 0x69,
    0x6e, 0x67, 0x15, 0xcd, 0xcc, 0xcc, 0x3d, 0x14, 0xcb, 0xc2, 0x6c};

template <class T>
T number_at(const std::string& text, std::size_t at) {
  T value{};
  REQUIRE(at + sizeof value <= text.size());
  std::memcpy(&value, text.data() + at, sizeof value);
  return value;
}

/// The events of a file; their lengths and checksums must be right.
std::vector<std::string> events_of(const std::string& path) {
  const std::string text = text_of(path);
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::string event = text.substr(at + 12, number_at<std::uint64_t>(text, at));
    CHECK(text.compare(at, event.size() + 16, events::tf_record(event)) == 0);
    at += event.size() + 16;
    found.push_back(event);
  }
  return found;
}

/// An event without its time, the first field: 9 bytes.
std::string timeless(const std::string& event) { return event.substr(9); }

StepRecord step_record(std::int64_t step) {
  return {.epoch = 1, .step = step, .loss = 0.5, .accuracy = 0.25, .learning_rate = 0.125};
}

/// What the script says about a directory; its errors go to the test's own.
std::string read_back(const std::string& directory) {
  const std::string command =
      "command -v python3 >/dev/null || { echo skipped: no python3; exit; }; "
      "python3 '" FATHOM_SOURCE_DIR "/tests/nn/read_tensorboard.py' '" +
      directory + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int letter = std::fgetc(pipe.get()); letter != EOF; letter = std::fgetc(pipe.get())) {
    text += static_cast<char>(letter);
  }
  return text;
}

}  // namespace

TEST_CASE("crc32c gives the values of RFC 3720", "[train][tensorboard_log]") {
  CHECK(events::crc32c("") == 0);
  CHECK(events::crc32c("123456789") == 0xE3069283);
  CHECK(events::crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(events::crc32c(std::string(32, '\xff')) == 0x62A8AB43);
}

TEST_CASE("events have the bytes that TensorBoard writes", "[train][tensorboard_log]") {
  const events::Scalar scalars[] = {{"loss/training", 0.625}, {"accuracy/training", 0.1}};
  const std::string text = events::tf_record(events::version_event(1700000000.25)) +
                           events::tf_record(events::start_event(1700000001.5, 0)) +
                           events::tf_record(events::scalar_event(1700000002, 300, scalars));
  CHECK(text == std::string(reinterpret_cast<const char*>(kRecorded), sizeof kRecorded));
}

TEST_CASE("TensorBoardLog writes scalars of epochs and of every so many steps", "[train][tensorboard_log]") {
  const TemporaryDirectory directory;
  TensorBoardLog log(directory / "made/for/it", {.every = 2});
  log.on_start(0);
  for (std::int64_t step = 1; step <= 3; ++step) log.on_step(step_record(step));
  log.on_epoch(epoch_record(1));
  log.on_epoch(epoch_record(2, false));
  const std::vector<std::string> written = events_of(log.path());
  REQUIRE(written.size() == 5);
  CHECK(timeless(written[0]) == timeless(events::version_event(0)));
  CHECK(timeless(written[1]) == timeless(events::start_event(0, 0)));
  const events::Scalar running[] = {
      {"running/loss", 0.5}, {"running/accuracy", 0.25}, {"running/learning_rate", 0.125}};
  CHECK(timeless(written[2]) == timeless(events::scalar_event(0, 2, running)));
  const events::Scalar epoch[] = {{"loss/training", 1},
                                  {"accuracy/training", 0.5},
                                  {"learning_rate", 0.1},
                                  {"images_per_second", 2500},
                                  {"epoch", 1},
                                  {"loss/validation", 2},
                                  {"accuracy/validation", 0.75},
                                  {"top5/validation", 1}};
  CHECK(timeless(written[3]) == timeless(events::scalar_event(0, 100, epoch)));
  CHECK_THAT(written[4], Contains("loss/training") && !Contains("validation"));
  constexpr double kYear2020 = 1577836800;
  CHECK(number_at<double>(written[0], 1) > kYear2020);
}

TEST_CASE("TensorBoardLog takes back what a resumed training does again", "[train][tensorboard_log]") {
  const TemporaryDirectory directory;
  std::vector<std::string> paths;
  const auto start = [&](std::int64_t first, std::int64_t step) {
    TensorBoardLog log(directory.path().string(), {.every = 0});
    log.on_start(first);
    log.on_step(step_record(step));
    log.on_step(step_record(step + 1));
    paths.push_back(log.path());
    const std::vector<std::string> written = events_of(log.path());
    REQUIRE(written.size() == 2);
    return timeless(written[1]);
  };
  CHECK(start(0, 1) == timeless(events::start_event(0, 0)));
  CHECK(start(2, 250) == timeless(events::start_event(0, 250)));
  CHECK(start(0, 1) == timeless(events::start_event(0, 0)));
  CHECK(std::is_sorted(paths.begin(), paths.end()));  // the order in which TensorBoard reads
  CHECK(directory.count() == 3);
}

TEST_CASE("TensorBoard reads what a resumed training wrote", "[.][tensorboard]") {
  const TemporaryDirectory directory;
  const auto train = [&](std::int64_t first, std::int64_t last) {
    TensorBoardLog log(directory.path().string(), {.every = 50});
    log.on_start(first);
    for (std::int64_t epoch = first + 1; epoch <= last; ++epoch) {
      for (std::int64_t step = 100 * epoch - 99; step <= 100 * epoch; ++step) log.on_step(step_record(step));
      log.on_epoch(epoch_record(epoch, first > 0));
    }
  };
  train(0, 3);
  train(0, 3);  // a new training in the same place
  train(2, 4);
  const std::string text = read_back(directory.path().string());
  if (text.starts_with("skipped")) {
    WARN(text);
    return;
  }
  CHECK(
      text ==
      "scalars:\n"
      "accuracy/training 100:0.5 200:0.75 300:0.833333 400:0.875\n"
      "accuracy/validation 300:0.75 400:0.75\n"
      "epoch 100:1 200:2 300:3 400:4\n"
      "images_per_second 100:2500 200:2500 300:2500 400:2500\n"
      "learning_rate 100:0.1 200:0.05 300:0.0333333 400:0.025\n"
      "loss/training 100:1 200:0.5 300:0.333333 400:0.25\n"
      "loss/validation 300:0.666667 400:0.5\n"
      "running/accuracy 50:0.25 100:0.25 150:0.25 200:0.25 250:0.25 300:0.25 350:0.25 400:0.25\n"
      "running/learning_rate 50:0.125 100:0.125 150:0.125 200:0.125 250:0.125 300:0.125 350:0.125 400:0.125\n"
      "running/loss 50:0.5 100:0.5 150:0.5 200:0.5 250:0.5 300:0.5 350:0.5 400:0.5\n"
      "top5/validation 300:1 400:1\n");
}

TEST_CASE("TensorBoardLog says why it cannot write", "[train][tensorboard_log][error]") {
  const TemporaryDirectory directory;
  write_text(directory / "file", "");
  CHECK_THROWS_WITH(TensorBoardLog(directory / "file"),
                    Contains("file: is no directory for events: Not a directory") &&
                        Contains("hint: choose a directory that this user may write to"));
  CHECK_THROWS_WITH(TensorBoardLog(directory.path().string(), {.every = -1}),
                    "TensorBoardLog: every must be at least 0 (it is -1)\n"
                    "  hint: 0 leaves the running curves out");
}

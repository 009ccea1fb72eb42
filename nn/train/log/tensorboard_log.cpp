// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/tensorboard_log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/train/log/tensorboard_log/event.hpp>

namespace fathom::nn::train {

namespace {

using detail::Scalar;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// A name behind those in the directory, in the order in which TensorBoard reads: by their time in seconds,
/// which is one more than the last one's where the clock has not gone on.
std::string next_file(const std::string& directory) {
  constexpr std::string_view kPrefix = "events.out.tfevents.";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::filesystem::directory_iterator entries;
  if (!error) entries = std::filesystem::directory_iterator(directory, error);
  if (error) {
    fathom::detail::fail_file(directory, fmt::format("is no directory for events: {}", error.message()),
                              "choose a directory that this user may write to");
  }
  auto time = static_cast<std::int64_t>(now());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    std::int64_t other = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), other);
    time = std::max(time, other + 1);
  }
  return (std::filesystem::path(directory) / fmt::format("{}{:010}.fathom", kPrefix, time)).string();
}

}  // namespace

TensorBoardLog::TensorBoardLog(const std::string& directory, TensorBoardLogOptions options)
    : options_(options), file_(next_file(directory)) {
  ArgumentCheck("TensorBoardLog").at_least("every", options_.every, 0, "0 leaves the running curves out");
  file_.append(detail::tf_record(detail::version_event(now())));
}

void TensorBoardLog::on_start(std::int64_t first) {
  is_new_ = first == 0;
  has_started_ = false;
}

void TensorBoardLog::start_at(std::int64_t step) {
  if (has_started_) return;
  has_started_ = true;
  file_.append(detail::tf_record(detail::start_event(now(), is_new_ ? 0 : step)));
}

void TensorBoardLog::on_step(const StepRecord& record) {
  start_at(record.step);
  if (options_.every == 0 || record.step % options_.every != 0) return;
  const Scalar scalars[] = {{"running/loss", record.loss},
                            {"running/accuracy", record.accuracy},
                            {"running/learning_rate", record.learning_rate}};
  file_.append(detail::tf_record(detail::scalar_event(now(), record.step, scalars)));
}

void TensorBoardLog::on_epoch(const EpochRecord& record) {
  start_at(record.step);
  std::vector<Scalar> scalars{{"loss/training", record.loss},
                              {"accuracy/training", record.accuracy},
                              {"learning_rate", record.learning_rate},
                              {"images_per_second", record.images_per_second},
                              {"epoch", static_cast<double>(record.epoch)}};
  if (record.validation) {
    scalars.push_back({"loss/validation", record.validation->loss});
    scalars.push_back({"accuracy/validation", record.validation->accuracy});
    scalars.push_back({"top5/validation", record.validation->top5});
  }
  file_.append(detail::tf_record(detail::scalar_event(now(), record.step, scalars)));
}

}  // namespace fathom::nn::train

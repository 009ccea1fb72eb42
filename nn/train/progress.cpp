// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/progress.hpp>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace fathom::nn::train {

namespace {

/// How wide the terminal is that this program writes to; 0 when that is none.
std::int64_t terminal_columns() {
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  constexpr std::int64_t kUsual = 80;
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsual;
}

/// "1:23", "2:05:00"
std::string clock_text(double seconds) {
  const auto all = static_cast<std::int64_t>(std::ceil(seconds));
  const std::int64_t hours = all / 3600, minutes = all / 60 % 60, rest = all % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, rest)
                   : fmt::format("{}:{:02}", minutes, rest);
}

/// "[=====>    ] " with `share` of the signs; empty when it would be hardly a bar.
std::string bar_text(double share, std::int64_t width) {
  constexpr std::int64_t kLeast = 5;
  if (width < kLeast) return {};
  const auto filled = std::clamp<std::int64_t>(std::llround(share * static_cast<double>(width)), 0, width);
  std::string bar(static_cast<std::size_t>(filled), '=');
  if (filled > 0 && filled < width) bar.back() = '>';
  return fmt::format("[{:<{}}] ", bar, width);
}

/// What makes a terminal forget the line.
constexpr std::string_view kClear = "\r\x1b[K";

}  // namespace

Progress::Progress(const ProgressOptions& options)
    : out_(options.out != nullptr ? *options.out : std::cout),
      columns_(options.columns.value_or(options.out == nullptr ? terminal_columns() : 0)) {}

void Progress::on_start(std::int64_t /*first*/) {
  run_.reset();
  epoch_.reset();
}

/// ", 41234 images/s, 1:23 left": the rate of this epoch; the time at the pace of this run, with what
/// validation took.
std::string Progress::measured(const StepRecord& record) {
  const Start here{record.epoch, record.step, record.images, record.seconds};
  if (!run_) run_ = here;
  if (!epoch_ || epoch_->epoch != record.epoch) epoch_ = here;
  std::string text;
  if (const double seconds = record.seconds - epoch_->seconds; seconds > 0) {
    text += fmt::format(", {:.0f} images/s", static_cast<double>(record.images - epoch_->images) / seconds);
  }
  if (const std::int64_t steps = record.step - run_->step; steps > 0) {
    const double each = (record.seconds - run_->seconds) / static_cast<double>(steps);
    text += fmt::format(", {} left", clock_text(each * static_cast<double>(record.steps - record.step)));
  }
  return text;
}

void Progress::on_step(const StepRecord& record) {
  if (columns_ == 0) return;
  const std::string rates = measured(record);
  constexpr double kBetween = 0.1;
  const bool is_last = record.images >= record.images_per_epoch;
  if (has_bar_ && !is_last && record.seconds - drawn_ < kBetween) return;
  drawn_ = record.seconds;
  const std::string head = fmt::format("epoch {}/{} ", record.epoch, record.epochs);
  const std::string tail = fmt::format("loss {:.4f}, {:.2f} %{}", record.loss, 100 * record.accuracy, rates);
  // In the last column many terminals begin a new line.
  const std::int64_t room = columns_ - 1;
  const double share = static_cast<double>(record.images) / static_cast<double>(record.images_per_epoch);
  // It never grows again: the texts change their length all the time.
  bar_width_ = std::min(bar_width_, room - std::ssize(head) - std::ssize(tail) - 3);  // brackets and a space
  std::string line = head + bar_text(share, bar_width_) + tail;
  line.resize(static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(line), room)));
  out_ << kClear << line << std::flush;
  has_bar_ = true;
}

void Progress::on_epoch(const EpochRecord& record) {
  std::string line = fmt::format("epoch {}/{}: loss {:.4f}, accuracy {:.2f} %", record.epoch, record.epochs,
                                 record.loss, 100 * record.accuracy);
  if (record.validation) {
    line += fmt::format(", validation loss {:.4f}, accuracy {:.2f} %", record.validation->loss,
                        100 * record.validation->accuracy);
  }
  print(line + fmt::format(", {:.0f} images/s, {:.0f} s", record.images_per_second, record.seconds));
}

bool Progress::on_note(std::string_view text) {
  print(text);
  return true;
}

void Progress::on_end() {
  if (has_bar_) out_ << kClear << std::flush;
  has_bar_ = false;
}

void Progress::print(std::string_view line) {
  if (has_bar_) out_ << kClear;
  has_bar_ = false;
  out_ << line << '\n' << std::flush;
}

}  // namespace fathom::nn::train

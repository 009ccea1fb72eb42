// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/json_log.hpp>

#include <fmt/format.h>

#include <cmath>

#include <fathom/nn/train/log/epoch_fields.hpp>
#include <fathom/nn/train/log/epoch_fields/lines.hpp>

namespace fathom::nn::train {

namespace {

std::string text(const EpochField& field) {
  if (const auto* count = std::get_if<std::int64_t>(&field.value)) return fmt::format("{}", *count);
  const auto* number = std::get_if<double>(&field.value);
  return number != nullptr && std::isfinite(*number) ? fmt::format("{}", *number) : "null";
}

}  // namespace

JsonLog::JsonLog(std::string path) : file_(std::move(path)) {}

void JsonLog::on_start(std::int64_t first) { detail::keep_epochs(file_, first, "", "{\"epoch\": "); }

void JsonLog::on_epoch(const EpochRecord& record) {
  std::string line;
  for (const EpochField& field : epoch_fields(record)) {
    line += fmt::format("{}\"{}\": {}", line.empty() ? "{" : ", ", field.name, text(field));
  }
  file_.append(line + "}\n");
}

}  // namespace fathom::nn::train

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/json_log.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include <fathom/core/error.hpp>

#include "nn/train_records.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using nn::train::JsonLog;

namespace {

/// The lines of epochs first ... last, as a JsonLog writes them.
std::string lines(std::int64_t first, std::int64_t last) {
  const TemporaryDirectory directory;
  JsonLog log(directory / "log");
  log.on_start(0);
  for (std::int64_t epoch = first; epoch <= last; ++epoch) log.on_epoch(epoch_record(epoch));
  return text_of(directory / "log");
}

}  // namespace

TEST_CASE("JsonLog writes a line of JSON for each epoch", "[train][json_log]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "log.jsonl";
  JsonLog log(path);
  log.on_start(0);
  log.on_epoch(epoch_record(1));
  CHECK(
      text_of(path) ==
      "{\"epoch\": 1, \"epochs\": 5, \"step\": 100, \"loss\": 1, \"accuracy\": 0.5, \"learning_rate\": 0.1, "
      "\"images_per_second\": 2500, \"seconds\": 1.5, \"validation_images\": 8, \"validation_loss\": 2, "
      "\"validation_accuracy\": 0.75, \"validation_top5\": 1}\n");
  log.on_epoch(epoch_record(3, false));
  std::istringstream text(text_of(path));
  std::string line;
  std::getline(text, line);
  std::getline(text, line);
  const auto json = nlohmann::json::parse(line);
  CHECK(json["epoch"] == 3);
  CHECK(json["loss"] == 1.0 / 3);  // every digit that it needs
  CHECK(json["validation_loss"].is_null());
  CHECK(json.size() == 12);
}

TEST_CASE("JsonLog has null for what JSON has no word for", "[train][json_log]") {
  const TemporaryDirectory directory;
  JsonLog log(directory / "log");
  log.on_start(0);
  nn::train::EpochRecord record = epoch_record(1);
  record.loss = std::nan("");
  record.validation->loss = std::numeric_limits<double>::infinity();
  log.on_epoch(record);
  const auto json = nlohmann::json::parse(text_of(directory / "log"));
  CHECK(json["loss"].is_null());
  CHECK(json["validation_loss"].is_null());
  CHECK(json["accuracy"] == 0.5);
}

TEST_CASE("JsonLog begins anew, and goes on where a training is resumed", "[train][json_log]") {
  struct Row {
    std::string before;
    std::int64_t first;  // epochs that were done
    std::string after;
  };
  const auto row = GENERATE(values<Row>({
      {"", 0, ""},
      {lines(1, 3), 0, ""},
      {"what another program wrote\n", 0, ""},
      {"", 2, ""},
      {lines(1, 3), 3, lines(1, 3)},
      {lines(1, 3), 2, lines(1, 2)},
      {lines(1, 3), 1, lines(1, 1)},
      {lines(1, 3) + lines(4, 4).substr(0, 20), 3, lines(1, 3)},  // killed while it wrote
      {lines(1, 1).substr(0, 5), 1, ""},
  }));
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  write_text(path, row.before);
  JsonLog log(path);
  CHECK(text_of(path) == row.before);  // until the training starts
  log.on_start(row.first);
  CHECK(text_of(path) == row.after);
  log.on_epoch(epoch_record(row.first + 1));
  CHECK(text_of(path) == row.after + lines(row.first + 1, row.first + 1));
}

TEST_CASE("JsonLog keeps its hands off what another program wrote", "[train][json_log][error]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  const auto wrong =
      GENERATE(values<std::string>({"notes\n", "{\"loss\": 1}\n", "{\"epoch\": x, \n", "{\"epoch\": 1}\n"}));
  write_text(path, lines(1, 1) + wrong);
  JsonLog log(path);
  CHECK_THROWS_WITH(log.on_start(2),
                    path +
                        ": line 2 is none of this log, so the resumed training cannot go on with it\n"
                        "  hint: name another file, or remove this one");
  CHECK(text_of(path) == lines(1, 1) + wrong);
  CHECK_THROWS_AS(JsonLog(directory / "none/log"), IoError);
}

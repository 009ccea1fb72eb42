// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/csv_log.hpp>

#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include <fathom/core/error.hpp>

#include "nn/train_records.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using nn::train::CsvLog;

namespace {

const std::string kHead =
    "epoch,epochs,step,loss,accuracy,learning_rate,images_per_second,seconds,validation_images,"
    "validation_loss,validation_accuracy,validation_top5\n";
const std::string kFirst = "1,5,100,1,0.5,0.1,2500,1.5,8,2,0.75,1\n";
const std::string kSecond = "2,5,200,0.5,0.75,0.05,2500,3,8,1,0.75,1\n";

}  // namespace

TEST_CASE("CsvLog writes a head and a line for each epoch", "[train][csv_log]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "log.csv";
  CsvLog log(path);
  CHECK(log.path() == path);
  log.on_start(0);
  CHECK(text_of(path) == kHead);
  log.on_epoch(epoch_record(1));
  CHECK(text_of(path) == kHead + kFirst);
  nn::train::EpochRecord record = epoch_record(2, false);
  record.loss = std::numeric_limits<double>::infinity();
  log.on_epoch(record);
  CHECK(text_of(path) == kHead + kFirst + "2,5,200,inf,0.75,0.05,2500,3,,,,\n");
}

TEST_CASE("CsvLog begins anew, and goes on where a training is resumed", "[train][csv_log]") {
  struct Row {
    std::string before;
    std::int64_t first;
    std::string after;
  };
  const auto row = GENERATE(values<Row>({
      {"", 0, kHead},
      {"what another program wrote\n", 0, kHead},
      {kHead + kFirst + kSecond, 0, kHead},
      {"", 1, kHead},
      {kHead.substr(0, 7), 1, kHead},
      {kHead + kFirst + kSecond, 2, kHead + kFirst + kSecond},
      {kHead + kFirst + kSecond, 1, kHead + kFirst},
      {kHead + kFirst + kSecond.substr(0, 9), 1, kHead + kFirst},
  }));
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  write_text(path, row.before);
  CsvLog log(path);
  log.on_start(row.first);
  CHECK(text_of(path) == row.after);
}

TEST_CASE("CsvLog keeps its hands off what another program wrote", "[train][csv_log][error]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  const auto wrong = GENERATE(values<std::string>({"epoch,loss\n1,2\n", kFirst, "x" + kHead}));
  write_text(path, wrong);
  CsvLog log(path);
  CHECK_THROWS_WITH(log.on_start(1), Contains(path + ": line 1 is none of this log"));
  CHECK(text_of(path) == wrong);
}

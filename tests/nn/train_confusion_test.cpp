// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/confusion.hpp>

#include <catch2/catch.hpp>
#include <string>

#include <fathom/core/error.hpp>

#include "nn/train_records.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using nn::train::confusion_pairs;
using nn::train::confusion_table;

namespace {

/// Class 2 never occurs and class 3 is never found.
const Array kConfusion =
    Array::from<std::int64_t>({90, 9, 0, 1, 30, 70, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0}, {4, 4});
const std::vector<std::string> kNames{"cat", "dog", "cow"};

}  // namespace

TEST_CASE("confusion_table has a row for each label and the shares that are right", "[train][confusion]") {
  CHECK(confusion_table(kConfusion, kNames) ==
        "label \\ taken for     0     1    2    3  images  right %\n"
        "--------------------------------------------------------\n"
        "0 cat                90     9    .    1     100     90.0\n"
        "1 dog                30    70    .    .     100     70.0\n"
        "2 cow                 .     .    .    .       0        -\n"
        "3                     9     .    1    .      10      0.0\n"
        "--------------------------------------------------------\n"
        "right % of column  69.8  88.6  0.0  0.0     210     76.2\n");
}

TEST_CASE("confusion_pairs lists the most frequent mistakes, equal ones by label", "[train][confusion]") {
  CHECK(confusion_pairs(kConfusion, kNames, 4) ==
        "label  taken for  images  % of the label's\n"
        "------------------------------------------\n"
        "1 dog  0 cat          30              30.0\n"
        "0 cat  1 dog           9               9.0\n"
        "3      0 cat           9              90.0\n"
        "0 cat  3               1               1.0\n");
  const std::string head = confusion_pairs(kConfusion, kNames, 0);
  CHECK(head.find("30") == std::string::npos);
  CHECK(confusion_pairs(Array::zeros({0, 0}, DType::int64)) == head);
}

TEST_CASE("confusion tables refuse what is no confusion matrix", "[train][confusion][error]") {
  CHECK_THROWS_WITH(confusion_table(Array::zeros({2, 3}, DType::int64)),
                    "confusion_table: confusion must have as many columns as rows (it is [2, 3])\n"
                    "  confusion: int64 [2, 3]  (classes, classes)\n"
                    "  hint: ops::confusion_matrix makes one");
  CHECK_THROWS_AS(confusion_table(Array::zeros({2}, DType::int64)), ShapeError);
  CHECK_THROWS_AS(confusion_pairs(Array::zeros({2, 2}, DType::float32)), DTypeError);
  CHECK_THROWS_AS(confusion_pairs(kConfusion, {}, -1), ValueError);
  CHECK_THROWS_AS(confusion_table(Array{}), GraphError);
}

TEST_CASE("ConfusionLog writes the matrix of the last validation", "[train][confusion]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "confusion.txt";
  nn::train::ConfusionLog log(path, kNames);
  CHECK(directory.count() == 0);
  log.on_epoch(epoch_record(1));
  log.on_epoch(epoch_record(2));
  log.on_epoch(epoch_record(3, false));
  const Array confusion = epoch_record(2).validation->confusion;
  CHECK(text_of(path) ==
        "epoch 2\n\n" + confusion_table(confusion, kNames) + '\n' + confusion_pairs(confusion, kNames));
  nn::train::EpochRecord many = epoch_record(4);
  many.validation->confusion = Array::ones({31, 31}, DType::int64);
  log.on_epoch(many);
  CHECK(text_of(path) == "epoch 4\n\n" + confusion_pairs(many.validation->confusion, kNames));
  CHECK_THROWS_AS(nn::train::ConfusionLog(directory / "none/confusion.txt"), IoError);
}

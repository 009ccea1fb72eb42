// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/curves.hpp>

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <string>

#include <fathom/core/error.hpp>
#include <fathom/nn/train/log/curves/gnuplot.hpp>

#include "nn/train_records.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using nn::train::Curves;
using nn::train::detail::curves_script;

namespace {

const std::string kData =
    "epoch,loss,accuracy,validation_loss,validation_accuracy\n"
    "1,0.5,0.75,0.625,0.7\n"
    "2,0.25,0.875,,\n";

/// A program in place of gnuplot.
std::string stand_in(const TemporaryDirectory& directory, const std::string& commands) {
  std::string path = directory / "stand-in";
  write_text(path, "#!/bin/sh\n" + commands);
  chmod(path.c_str(), S_IRWXU);
  return path;
}

void train(Curves& curves, std::int64_t epochs) {
  curves.on_start(0);
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) curves.on_epoch(epoch_record(epoch));
}

}  // namespace

TEST_CASE("curves_script draws what the data have", "[train][curves]") {
  const std::string script = curves_script("a's", "net {x}_1", kData);
  CHECK_THAT(script, Contains("set multiplot layout 2,1 title 'net {x}_1' noenhanced\n") &&
                         Contains("set xrange [1:2]\n") && Contains("set xtics 1\n") &&
                         Contains("set output 'a''s'.'.'.kind\n"));
  CHECK_THAT(
      script,
      Contains("'a''s.csv' using \"epoch\":(column(\"loss\")) with linespoints linestyle 1 title "
               "'training, last 0.2500', \\\n") &&
          Contains("(column(\"validation_loss\")) with linespoints linestyle 2 title "
                   "'validation, last 0.6250'\n") &&
          Contains(
              "(100*column(\"accuracy\")) with linespoints linestyle 1 title 'training, last 87.50 %'") &&
          Contains("title 'validation, last 70.00 %'"));
  CHECK_THAT(
      curves_script("a", "t", "epoch,loss,accuracy,validation_loss,validation_accuracy\n1,2,0.5,,\n"),
      Contains("'training, last 2.0000'") && !Contains("validation_") && Contains("set xrange [0.5:1.5]\n"));
  CHECK(curves_script("a", "t", "epoch,loss,accuracy,validation_loss,validation_accuracy\n").empty());
  CHECK(curves_script("a", "t", "").empty());
  struct Row {
    std::string epochs, distance;
  };
  const auto row = GENERATE(
      values<Row>({{"10", "1"}, {"11", "2"}, {"20", "2"}, {"21", "5"}, {"60", "10"}, {"300", "50"}}));
  CHECK_THAT(curves_script("a", "t", "epoch,loss,accuracy\n" + row.epochs + ",1,1\n"),
             Contains("set xtics " + row.distance + "\n"));
}

TEST_CASE("Curves runs gnuplot beside its script", "[train][curves]") {
  const TemporaryDirectory directory;
  std::ostringstream messages;
  Curves curves(directory / "curves",
                {.gnuplot = stand_in(directory, "echo \"$@\" >> ran; echo much >&2; cp curves.csv copy\n"),
                 .messages = &messages});
  train(curves, 2);
  CHECK_FALSE(std::filesystem::exists(directory / "ran"));
  curves.on_end();
  CHECK(text_of(directory / "ran") == "curves.gp\n");
  CHECK(text_of(directory / "copy") == text_of(directory / "curves.csv"));
  CHECK_THAT(text_of(directory / "curves.gp"),
             Contains("gnuplot curves.gp\n") && Contains("title 'Training' "));
  CHECK(messages.str().empty());
}

TEST_CASE("Curves draws after each epoch where that is wanted", "[train][curves]") {
  const TemporaryDirectory directory;
  Curves curves(directory / "curves", {.each_epoch = true, .gnuplot = stand_in(directory, "echo >> ran\n")});
  train(curves, 3);
  CHECK(text_of(directory / "ran") == "\n\n\n");
}

TEST_CASE("Curves says in a line why nothing was drawn, and goes on", "[train][curves]") {
  const TemporaryDirectory directory;
  const bool is_there = GENERATE(false, true);
  const std::string failing = stand_in(directory, "echo first >&2; echo '  bad font  ' >&2; exit 3\n");
  const std::string gnuplot = is_there ? failing : "no-such-gnuplot";
  const std::string reason = is_there ? failing + " failed on curves.gp: bad font"
                                      : "no-such-gnuplot cannot be run: No such file or directory";
  std::ostringstream messages;
  Curves curves(directory / "curves", {.gnuplot = gnuplot, .messages = &messages});
  train(curves, 1);
  curves.on_end();
  CHECK(messages.str() == "curves: nothing was drawn: " + reason + "\n  hint: the data are in " +
                              (directory / "curves.csv") + "; draw them by `cd " + directory.path().string() +
                              " && gnuplot curves.gp` (Debian's package is gnuplot-nox)\n");
  CHECK_THAT(text_of(directory / "curves.csv"), EndsWith("1,5,100,1,0.5,0.1,2500,1.5,8,2,0.75,1\n"));
  CHECK(std::filesystem::exists(directory / "curves.gp"));
}

TEST_CASE("Curves has nothing to say before the first epoch", "[train][curves]") {
  const TemporaryDirectory directory;
  std::ostringstream messages;
  Curves curves(directory / "curves", {.gnuplot = "no-such-gnuplot", .messages = &messages});
  curves.on_start(0);
  curves.on_end();
  CHECK(messages.str().empty());
  CHECK_THROWS_AS(Curves(directory / "none/curves"), IoError);
}

TEST_CASE("gnuplot draws the curves", "[.][gnuplot]") {
  const TemporaryDirectory directory;
  std::ostringstream messages;
  Curves curves(directory / "it's {here}", {.title = "It's {50}_%", .messages = &messages});
  train(curves, 3);
  curves.on_end();
  if (messages.str().find("cannot be run") != std::string::npos) {
    WARN("skipped: no gnuplot");
    return;
  }
  CHECK(messages.str().empty());
  CHECK(text_of(directory / "it's {here}.png").starts_with("\x89PNG"));
  const std::string svg = text_of(directory / "it's {here}.svg");
  for (const std::string text :
       {"It's {50}_%", "validation, last 0.6667", "accuracy (% of the images)", "</svg>"}) {
    INFO(text);
    CHECK(svg.find(text) != std::string::npos);
  }
}

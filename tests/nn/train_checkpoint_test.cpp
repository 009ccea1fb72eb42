// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/checkpoint.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>
#include <fathom/nn/optim/adam.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "nn/train_task.hpp"
#include "support/temporary_directory.hpp"

using namespace fathom;
using namespace fathom::nn::train;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

/// A net that has made some steps with Adam and averages.
struct Run {
  explicit Run(std::uint64_t seed) : net(test::task_net(seed)), optimizer(net.parameters()), ema(net) {}
  void steps(int count) {
    for (const auto& [images, labels] : test::task_loader(16 * count, {.batch = 16})) {
      backward(ops::softmax_cross_entropy(net(Variable{images}), labels));
      optimizer.step();
      optimizer.zero_grad();
      ema.update();
      ++state.position.step;
    }
  }
  [[nodiscard]] NamedArrays everything() const {
    NamedArrays all = test::arrays_of(net);
    for (const auto& array : optimizer.state()) {
      all.emplace_back(std::to_string(array.parameter) + array.name, array.value.copy());
    }
    for (const auto& [name, value] : ema.state()) all.emplace_back("ema " + name, value.copy());
    return all;
  }

  nn::Sequential net;
  nn::Adam optimizer;
  Ema ema;
  TrainingState state{.net = net, .optimizer = optimizer, .ema = &ema};
};

/// Changes bits of one byte in place.
void flip(const std::string& path, std::uint64_t at, int pattern) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get() ^ pattern;
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte));
}

/// Files may be no longer than `bytes` within its lifetime: what a full disk is to a program.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("a checkpoint brings everything back, to the last bit", "[train][checkpoint]") {
  const TemporaryDirectory directory;
  Run first(1), second(2);
  first.steps(3);
  first.optimizer.set_lr(0.125);
  first.state.position = {.epoch = 2,
                          .batch = 3,
                          .step = 9,
                          .images = 48,
                          .correct = 31,
                          .loss = 0.1,
                          .epoch_seconds = 1.5,
                          .seconds = 7.25};
  first.state.extra = {{"data", Array::arange(3, DType::int64)}, {"a/b", Array::ones({2}, DType::float64)}};
  save_checkpoint(first.state, directory / "a.npz");
  second.steps(1);
  load_checkpoint(second.state, directory / "a.npz");

  CHECK(test::first_difference(first.everything(), second.everything()).empty());
  CHECK(second.optimizer.lr() == 0.125);
  CHECK(second.ema.updates() == 3);
  const Position& position = second.state.position;
  CHECK(position.epoch == 2);
  CHECK(position.batch == 3);
  CHECK(position.step == 9);
  CHECK(position.images == 48);
  CHECK(position.correct == 31);
  CHECK(position.loss == 0.1);
  CHECK(position.epoch_seconds == 1.5);
  CHECK(position.seconds == 7.25);
  CHECK(test::first_difference(first.state.extra, second.state.extra).empty());

  first.steps(2);
  second.steps(2);
  CHECK(test::first_difference(first.everything(), second.everything()).empty());
}

TEST_CASE("a changed byte anywhere in a checkpoint is refused", "[train][checkpoint][corrupt]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.npz";
  Run run(1);
  run.steps(1);
  save_checkpoint(run.state, path);
  require_seal(path);
  const int pattern = GENERATE(0x01, 0x20, 0xff);
  const std::uint64_t size = std::filesystem::file_size(path);
  // Each byte of the directory and around it, and some of the arrays.
  for (std::uint64_t at = 0; at < size; at += at < 2000 || at + 4000 > size ? 1 : 97) {
    CAPTURE(at);
    flip(path, at, pattern);
    REQUIRE_THROWS_AS(load_checkpoint(run.state, path), IoError);
    flip(path, at, pattern);
  }
  load_checkpoint(run.state, path);
}

TEST_CASE("a truncated checkpoint is refused at every length", "[train][checkpoint][corrupt]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.npz";
  Run run(1);
  save_checkpoint(run.state, path);
  const std::uint64_t whole = std::filesystem::file_size(path);
  for (std::uint64_t size = whole - 1; size > 61; size -= size + 200 > whole ? 1 : 61) {
    std::filesystem::resize_file(path, size);
    CAPTURE(size);
    REQUIRE_THROWS_AS(load_checkpoint(run.state, path), IoError);
  }
  CHECK_THROWS_WITH(load_checkpoint(run.state, path),
                    Equals(path + ": is truncated or corrupt: the checksum of the whole file does not match\n"
                                  "  hint: use another copy, or an older file"));
  std::filesystem::resize_file(path, 0);
  CHECK_THROWS_AS(load_checkpoint(run.state, path), IoError);
}

TEST_CASE("the last checkpoints stay, and the newest that is whole is used", "[train][checkpoint]") {
  const TemporaryDirectory directory;
  const Checkpoints checkpoints(directory / "run/a", 3);
  Run run(1), other(1);
  CHECK_FALSE(checkpoints.load_last(other.state));
  std::vector<std::string> saved;
  for (int i = 0; i < 5; ++i) {
    run.steps(1);
    saved.push_back(checkpoints.save(run.state));
  }
  CHECK(saved.back() == directory / "run/a/checkpoint-000000005.npz");
  CHECK(checkpoints.paths() == std::vector<std::string>{saved[4], saved[3], saved[2]});

  flip(saved[4], 900, 4);
  std::filesystem::resize_file(saved[3], 1000);
  const auto loaded = checkpoints.load_last(other.state);
  REQUIRE(loaded);
  CHECK(loaded->path == saved[2]);
  CHECK(other.state.position.step == 3);
  REQUIRE(loaded->refused.size() == 2);
  CHECK_THAT(loaded->refused[0], Contains(saved[4] + ": is truncated or corrupt"));
  CHECK_THAT(loaded->refused[1], Contains(saved[3] + ": is truncated or corrupt"));

  // Those that were refused are of a run that this one leaves; what a killed writer left goes too.
  write_file(saved[4] + ".77-0.tmp", {});
  write_file(directory / "run/a/other.tmp", {});
  other.state.position.step = 3;
  const std::string again = checkpoints.save(other.state);
  CHECK(checkpoints.paths() == std::vector<std::string>{again});
  CHECK_FALSE(std::filesystem::exists(saved[4] + ".77-0.tmp"));
  CHECK(std::filesystem::exists(directory / "run/a/other.tmp"));

  flip(again, 0, 1);
  CHECK_THROWS_WITH(checkpoints.load_last(other.state),
                    Contains("run/a: no checkpoint there is whole\n" + again) &&
                        Contains("\n  hint: remove them to begin anew"));
}

TEST_CASE("a checkpoint of another training is refused, and none before it is tried",
          "[train][checkpoint][error]") {
  const TemporaryDirectory directory;
  const Checkpoints checkpoints(directory / "a");
  Run run(1);
  run.steps(1);
  const std::string path = checkpoints.save(run.state);

  Random random{1};
  nn::Linear small{4, 2, {}, random};
  nn::SGD sgd{run.net.parameters(), {.momentum = 0.9}};
  nn::Adam small_adam{small.parameters()};
  Ema small_ema{small};
  struct Row {
    TrainingState state;
    std::string text;
  };
  Row rows[] = {
      {{.net = small, .optimizer = small_adam, .ema = &small_ema}, "is of another net\nload: file "},
      {{.net = run.net, .optimizer = sgd, .ema = &run.ema},
       "is of another optimizer: Adam, this training has SGD"},
      {{.net = run.net, .optimizer = small_adam, .ema = &run.ema}, "does not fit the optimizer: "},
      {{.net = run.net, .optimizer = run.optimizer},
       "has averages of the weights, and the training keeps none"},
  };
  for (Row& row : rows) {
    CHECK_THROWS_AS(checkpoints.load_last(row.state), OtherTrainingError);
    CHECK_THROWS_WITH(checkpoints.load_last(row.state), Contains(path) && Contains(row.text));
  }

  // An optimizer whose state the file lacks.
  nn::Adam fresh{run.net.parameters()};
  TrainingState bare{.net = run.net, .optimizer = fresh};
  save_checkpoint(bare, directory / "fresh.npz");
  TrainingState with_state{.net = run.net, .optimizer = run.optimizer};
  CHECK_THROWS_WITH(load_checkpoint(with_state, directory / "fresh.npz"),
                    Contains("does not fit the optimizer: 0 arrays of state, the optimizer has 21"));
}

TEST_CASE("a training that is over leaves nothing of its own", "[train][checkpoint]") {
  const TemporaryDirectory directory;
  const Checkpoints checkpoints(directory / "a");
  Run run(1);
  run.steps(1);
  checkpoints.save(run.state);
  write_file(directory / "a/checkpoint-000000002.npz.77-0.tmp", {});
  write_file(directory / "a/notes.txt", {});
  checkpoints.clear();
  CHECK(checkpoints.paths().empty());
  CHECK(std::distance(std::filesystem::directory_iterator(directory / "a"),
                      std::filesystem::directory_iterator()) == 1);
  std::filesystem::remove(directory / "a/notes.txt");
  checkpoints.clear();
  CHECK_FALSE(std::filesystem::exists(directory / "a"));

  // A link is the user's, and so is what it leads to.
  std::filesystem::create_directory(directory / "elsewhere");
  std::filesystem::create_directory_symlink(directory / "elsewhere", directory / "link");
  const Checkpoints linked(directory / "link");
  linked.save(run.state);
  linked.clear();
  CHECK(linked.paths().empty());
  CHECK(std::filesystem::exists(directory / "link"));
}

TEST_CASE("a disk that is full leaves the checkpoints as they are", "[train][checkpoint][error]") {
  const TemporaryDirectory directory;
  const Checkpoints checkpoints(directory / "a");
  Run run(1);
  run.steps(1);
  const std::string path = checkpoints.save(run.state);
  const NamedArrays before = run.everything();
  const auto bytes = static_cast<rlim_t>(std::filesystem::file_size(path));
  run.steps(1);
  {
    const FileSizeLimit limit(bytes / 2);
    CHECK_THROWS_WITH(
        checkpoints.save(run.state),
        Equals(directory / "a/checkpoint-000000002.npz" +
               ": cannot be written: File too large\n"
               "  hint: raise the limit on the size of files (ulimit -f), or choose another disk"));
  }
  CHECK(std::distance(std::filesystem::directory_iterator(directory / "a"),
                      std::filesystem::directory_iterator()) == 1);
  Run other(3);
  REQUIRE(checkpoints.load_last(other.state));
  CHECK(test::first_difference(before, other.everything()).empty());
}

TEST_CASE("a directory that cannot be written to is found out before the work",
          "[train][checkpoint][error]") {
  const TemporaryDirectory directory;
  write_file(directory / "file", {});
  CHECK_THROWS_WITH(Checkpoints(directory / "file/a"),
                    Equals(directory / "file/a" + ": cannot be created: Not a directory\n"
                                                  "  hint: choose another directory for the checkpoints"));
  CHECK_THROWS_AS(Checkpoints(directory / "a", 0), ValueError);
  if (::geteuid() == 0) return;  // may write anywhere
  std::filesystem::create_directory(directory / "b");
  std::filesystem::permissions(directory / "b", std::filesystem::perms{0555});
  CHECK_THROWS_WITH(Checkpoints(directory / "b"), Contains("cannot be written: Permission denied"));
}

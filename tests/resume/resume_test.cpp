// SPDX-License-Identifier: BSD-3-Clause
// Kills a training at moments that a seed chooses, starts it again, and compares the weights with those of
// one that ran through.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fathom/core/file.hpp>
#include <fathom/core/random.hpp>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

/// A resume_run, whose lines are read as it writes them.
class Child {
 public:
  explicit Child(const std::string& directory) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    std::string program = RESUME_RUN, argument = directory;
    char* arguments[] = {program.data(), argument.data(), nullptr};
    const int error = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    lines_ = ::fdopen(ends[0], "r");
    if (error != 0) throw std::runtime_error("cannot start " + program);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
    std::fclose(lines_);
  }

  /// The next line without its end; empty at the end of all.
  std::string line() {
    std::string text;
    for (int c = 0; (c = std::fgetc(lines_)) != EOF && c != '\n';) text += static_cast<char>(c);
    return text;
  }
  /// Reads until so many steps were made, or no more come.
  void wait_for_steps(std::uint32_t count) {
    while (count > 0) {
      const std::string text = line();
      if (text.empty()) return;
      if (text.starts_with("step ")) --count;
    }
  }
  void signal(int number) const { ::kill(pid_, number); }
  /// Its status, as waitpid gives it.
  int wait() {
    if (!has_ended_) ::waitpid(pid_, &status_, 0);
    has_ended_ = true;
    return status_;
  }

 private:
  pid_t pid_ = -1;
  std::FILE* lines_ = nullptr;
  int status_ = 0;
  bool has_ended_ = false;
};

bool runs_through(const std::string& directory) {
  Child child(directory);
  child.wait_for_steps(1000);
  const int status = child.wait();
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool same_file(const std::string& name, const TemporaryDirectory& a, const TemporaryDirectory& b) {
  return read_file(a / name) == read_file(b / name);
}

}  // namespace

TEST_CASE("a training that is killed again and again ends with the same bytes", "[resume]") {
  const TemporaryDirectory whole;
  REQUIRE(runs_through(whole.path()));
  int kills = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    const TemporaryDirectory directory;
    for (std::uint64_t run = 0; run < 4; ++run) {
      const auto bits = random_bits({seed, 0}, run);
      Child child(directory.path());
      child.wait_for_steps(bits[0] % 10);
      // Somewhere in what comes next: the following step, or the writing of a checkpoint.
      std::this_thread::sleep_for(std::chrono::microseconds(bits[1] % 3000));
      child.signal(SIGKILL);
      kills += WIFSIGNALED(child.wait()) ? 1 : 0;
    }
    REQUIRE(runs_through(directory.path()));
    CHECK(same_file("weights.npz", whole, directory));
    CHECK(same_file("averages.npz", whole, directory));
    // Two checkpoints, and nothing that a killed run left.
    CHECK(std::distance(std::filesystem::directory_iterator(directory / "run"),
                        std::filesystem::directory_iterator()) == 2);
  }
  CHECK(kills >= 8);  // of 16: a fast machine may reach the end before the last of them
}

TEST_CASE("a training that is interrupted saves, says so, and goes on", "[resume]") {
  const TemporaryDirectory whole, directory;
  REQUIRE(runs_through(whole.path()));
  const int signal = GENERATE(SIGINT, SIGTERM);
  {
    Child child(directory.path());
    child.wait_for_steps(9);
    child.signal(signal);
    std::string last, text;
    while (!(text = child.line()).empty()) last = text;
    const int status = child.wait();
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 3);
    CHECK_THAT(last, Contains(signal == SIGINT ? "interrupted by SIGINT (Ctrl-C) after step "
                                               : "interrupted by SIGTERM after step ") &&
                         Contains("is saved: the same command goes on from there"));
  }
  REQUIRE(runs_through(directory.path()));
  CHECK(same_file("weights.npz", whole, directory));
}

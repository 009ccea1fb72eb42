// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/log/curves/gnuplot.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace fathom::nn::train::detail {

namespace {

/// What the child does with its files and directory before it becomes the program.
class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  [[nodiscard]] posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// Everything until the other end is closed; a program that says much does not wait for who reads it.
std::string drain(int descriptor) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t got = ::read(descriptor, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

std::string last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \n");
  if (end == std::string_view::npos) return "it said nothing";
  const std::size_t begin = text.find_last_of('\n', end);
  text = text.substr(0, end + 1);
  text.remove_prefix(begin == std::string_view::npos ? 0 : begin + 1);
  return std::string(text.substr(std::min(text.find_first_not_of(' '), text.size())));
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

}  // namespace

std::string run_gnuplot(const std::string& program, const std::string& directory, const std::string& script) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fmt::format("no pipe: {}", std::strerror(errno));
  FileActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), ends[1], STDERR_FILENO);
  if (!directory.empty()) posix_spawn_file_actions_addchdir_np(actions.get(), directory.c_str());
  // The interface takes pointers to non-const characters and does not write through them.
  char* const arguments[] = {const_cast<char*>(program.c_str()), const_cast<char*>(script.c_str()), nullptr};
  pid_t child = 0;
  const int code = ::posix_spawnp(&child, program.c_str(), actions.get(), nullptr, arguments, environ);
  ::close(ends[1]);
  const std::string said = code == 0 ? drain(ends[0]) : "";
  ::close(ends[0]);
  if (code != 0) return fmt::format("{} cannot be run: {}", program, std::strerror(code));
  const int status = wait_for(child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fmt::format("{} failed on {}: {}", program, script, last_line(said));
}

}  // namespace fathom::nn::train::detail

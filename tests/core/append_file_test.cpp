// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/append_file.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/file.hpp>

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <string>

#include "support/temporary_directory.hpp"

using namespace fathom;
using Catch::Matchers::Contains;

namespace {

std::string text_of(const std::string& path) {
  const Bytes bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// As if the disk were full beyond so many bytes of a file.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("AppendFile makes a file, goes on with one, and cuts it", "[append_file]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  {
    AppendFile file(path);
    CHECK(text_of(path).empty());
    file.append("one\n");
    CHECK(text_of(path) == "one\n");  // while it is open
    file.append("");
    file.append("two\n");
  }
  AppendFile file(path);
  CHECK(file.path() == path);
  file.append("three\n");
  CHECK(text_of(path) == "one\ntwo\nthree\n");
  file.cut(4);
  CHECK(text_of(path) == "one\n");
  file.append("four\n");
  CHECK(text_of(path) == "one\nfour\n");
  CHECK_THROWS_WITH(file.cut(10), Contains("AppendFile::cut: size must not lie beyond the end") &&
                                      Contains("9 bytes long, size is 10"));
  CHECK(text_of(path) == "one\nfour\n");
}

TEST_CASE("AppendFile says why a file cannot be written", "[append_file][error]") {
  const TemporaryDirectory directory;
  CHECK_THROWS_WITH(AppendFile(directory / "none/log"),
                    Contains("none/log: cannot be written: No such file or directory") &&
                        Contains("hint: its directory does not exist"));
  CHECK_THROWS_WITH(AppendFile(directory.path().string()), Contains("hint: name a file, not a directory"));
  CHECK_THROWS_WITH(AppendFile("/dev/null"), Contains("/dev/null: cannot be written: not a regular file"));
}

TEST_CASE("AppendFile writes a text whole or not at all", "[append_file][error]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  AppendFile file(path);
  file.append("one\n");
  {
    const SizeLimit limit(6);
    CHECK_THROWS_AS(file.append("longer\n"), IoError);
  }
  CHECK(text_of(path) == "one\n");
  file.append("two\n");
  CHECK(text_of(path) == "one\ntwo\n");
}

// SPDX-License-Identifier: BSD-3-Clause
// Times one pass of a public op and prints a line of JSON. `bench_ops --help` lists the options.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/threads.hpp>

#include "benchmarks/ops/check.hpp"
#include "benchmarks/program.hpp"

namespace fathom::benchmarks {
namespace {

/// One request, prepared and its results compared.
class Measurement {
 public:
  explicit Measurement(std::vector<std::string> words)
      : words_(std::move(words)), settings_(parse_op_settings(words_)) {
    set_num_threads(settings_.threads);
    problem_ = make_problem(settings_);
    if (!problem_.inputs.empty()) y_ = {problem_.apply()};
    const Variables results = run_pass(problem_, y_);
    check(settings_, problem_, results);
    for (const Variable& result : results) written_ += static_cast<double>(result.data().byte_size());
  }
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

  [[nodiscard]] nlohmann::ordered_json run() const {
    const Times times = measure(settings_.budget, [this] { static_cast<void>(run_pass(problem_, y_)); });
    const double seconds = times.median_ms / 1e3;
    return {{"op", settings_.op},
            {"pass", to_string(settings_.pass)},
            {"shape", std::vector<std::int64_t>(settings_.shape.begin(), settings_.shape.end())},
            {"dtype", to_string(settings_.dtype)},
            {"threads", settings_.threads},
            {"isa", to_string(active_isa())},
            {"request", fmt::format("{}", fmt::join(words_, " "))},
            {"runs", times.runs},
            {"median_ms", times.median_ms},
            {"min_ms", times.min_ms},
            {"GFLOP/s", problem_.flops / seconds / 1e9},
            {"GB/s", problem_.bytes / seconds / 1e9},
            {"written", written_ / problem_.bytes}};
  }

 private:
  std::vector<std::string> words_;
  OpSettings settings_;
  OpProblem problem_;
  Variables y_;
  double written_ = 0;  // bytes of problem_.bytes
};

/// Goes on after an error, so that a long comparison does not end with one. A line that is the one before is
/// not prepared anew.
int answer_lines() {
  std::unique_ptr<Measurement> last;
  int status = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream stream(line);
    const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    if (words.empty()) continue;
    nlohmann::ordered_json answer;
    try {
      if (!last || last->words() != words) {
        last.reset();  // before the next one takes its memory
        last = std::make_unique<Measurement>(words);
      }
      answer = last->run();
    } catch (const HelpRequest& request) {
      answer = {{"error", request.text}, {"request", line}};
      status = 1;
    } catch (const std::exception& error) {
      answer = {{"error", error.what()}, {"request", line}};
      status = 1;
    }
    std::cout << answer.dump() << std::endl;
  }
  return status;
}

}  // namespace
}  // namespace fathom::benchmarks

int main(int argc, char** argv) {
  using namespace fathom::benchmarks;
  const std::vector<std::string> words(argv + 1, argv + argc);
  return run_program([&] {
    if (words == std::vector<std::string>{"--stdin"}) return answer_lines();
    std::cout << Measurement(words).run().dump() << '\n';
    return 0;
  });
}

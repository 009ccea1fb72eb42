// SPDX-License-Identifier: BSD-3-Clause
// Times one pass of a public op and prints a line of JSON. `bench_ops --help` lists the options.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include <fathom/autograd/backward.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/random.hpp>
#include <fathom/core/threads.hpp>

#include "benchmarks/ops/problem.hpp"
#include "benchmarks/program.hpp"

namespace fathom::benchmarks {
namespace {

OpProblem make_problem(const OpSettings& settings) {
  const std::string_view op = settings.op;
  if (op.ends_with("convolution_2d") || op == "linear") return make_convolution_problem(settings);
  if (op == "batch_normalization") return make_batch_normalization_problem(settings);
  if (op == "softmax_cross_entropy") return make_softmax_cross_entropy_problem(settings);
  if (op.ends_with("pooling_2d")) return make_pooling_problem(settings);
  return make_elementwise_problem(settings);
}

/// Positions to compare: all, or the first and last and random ones in between where that would take too
/// long.
std::vector<std::int64_t> positions_to_check(std::int64_t size, std::int64_t terms) {
  constexpr std::int64_t kProducts = 10'000'000, kAtLeast = 24;
  const std::int64_t count = std::max(kAtLeast, kProducts / std::max<std::int64_t>(terms, 1));
  std::vector<std::int64_t> positions;
  if (size <= count) {
    for (std::int64_t i = 0; i < size; ++i) positions.push_back(i);
    return positions;
  }
  const Array random = uniform({.seed = 2}, {count}, 0, static_cast<double>(size), DType::float64);
  for (std::int64_t i = 0; i < count; ++i) {
    positions.push_back(std::min(size - 1, static_cast<std::int64_t>(random.data<double>()[i])));
  }
  positions.front() = 0;
  positions.back() = size - 1;
  return positions;
}

void check(const OpSettings& settings, const OpProblem& problem, const Variables& results) {
  const Expectation expected = problem.expect();
  for (std::size_t which = 0; which < results.size(); ++which) {
    const Array values = results[which].data().astype(DType::float64);
    for (const std::int64_t i : positions_to_check(values.size(), problem.terms)) {
      const auto [value, tolerance] = expected(which, i);
      const double actual = values.data<double>()[i];
      if (!(std::abs(actual - value) <= tolerance)) {
        throw Error(fmt::format("{} {}: element {} of result {} is {}, not {} (+- {})", settings.op,
                                to_string(settings.pass), i, which, actual, value, tolerance));
      }
    }
  }
}

/// One request, prepared and its results compared.
class Measurement {
 public:
  explicit Measurement(std::vector<std::string> words)
      : words_(std::move(words)), settings_(parse_op_settings(words_)) {
    set_num_threads(settings_.threads);
    problem_ = make_problem(settings_);
    if (!problem_.inputs.empty()) y_ = {problem_.apply()};
    check(settings_, problem_, pass());
  }
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

  [[nodiscard]] nlohmann::ordered_json run() const {
    const Times times = measure(settings_.budget, [this] { static_cast<void>(pass()); });
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
            {"GB/s", problem_.bytes / seconds / 1e9}};
  }

 private:
  /// The result, or the gradients of a graph made before.
  [[nodiscard]] Variables pass() const {
    if (y_.empty()) return {problem_.apply()};
    return grad(y_, problem_.inputs, std::span(&problem_.gy, 1), {.retain_graph = true});
  }

  std::vector<std::string> words_;
  OpSettings settings_;
  OpProblem problem_;
  Variables y_;
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

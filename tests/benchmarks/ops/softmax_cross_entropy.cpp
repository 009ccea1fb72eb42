// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/softmax_cross_entropy.hpp>

#include <cmath>
#include <memory>

#include "benchmarks/ops/inputs.hpp"
#include "benchmarks/ops/problem.hpp"
#include "support/tolerance.hpp"

namespace fathom::benchmarks {
namespace {

/// Labels that visit all classes.
std::int64_t label(std::int64_t row, std::int64_t classes) { return row * 7919 % classes; }

/// The definition in double; x (n, classes), the mean over the rows.
struct Reference {
  std::int64_t n, classes;
  double unit, gy;
  std::vector<double> x;

  [[nodiscard]] double at(std::int64_t row, std::int64_t k) const {
    return x[static_cast<std::size_t>(row * classes + k)];
  }
  [[nodiscard]] double log_sum(std::int64_t row) const {
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(at(row, k));
    return std::log(sum);
  }
  [[nodiscard]] Expected loss() const {
    double sum = 0;
    for (std::int64_t row = 0; row < n; ++row) sum += log_sum(row) - at(row, label(row, classes));
    const double mean = sum / static_cast<double>(n);
    return {mean, unit * (1 + std::abs(mean))};
  }
  [[nodiscard]] Expected gx(std::int64_t index) const {
    const std::int64_t row = index / classes, k = index % classes;
    const double share = std::exp(at(row, k) - log_sum(row));
    const double factor = gy / static_cast<double>(n);
    return {factor * (share - (k == label(row, classes) ? 1 : 0)), unit * std::abs(factor)};
  }
};

}  // namespace

OpProblem make_softmax_cross_entropy_problem(const OpSettings& settings) {
  const std::int64_t n = settings.shape[0], classes = settings.shape[1];
  const Variable x = make_input(settings, normal_input(settings, {n, classes}, 0), Pass::backward_x);
  std::vector<std::int64_t> labels;
  for (std::int64_t row = 0; row < n; ++row) labels.push_back(label(row, classes));
  const Array t = Array::from(labels, {n});

  OpProblem problem;
  problem.apply = [=] { return ops::softmax_cross_entropy(x, t); };
  problem.gy = Variable(normal_input(settings, {}, 3));
  // The row's maximum, subtraction, exponential, sum; backward a product and a subtraction.
  problem.flops = static_cast<double>(x.size()) * (settings.pass == Pass::forward ? 4 : 2);
  problem.bytes = byte_sum(x.data(), t) + (settings.pass == Pass::forward ? 0 : byte_sum(x.data()));
  if (settings.pass == Pass::backward_x) problem.inputs = {x};
  problem.terms = settings.pass == Pass::forward ? x.size() : classes;
  problem.expect = [=, gy = problem.gy.data().item()]() -> Expectation {
    auto reference = std::make_shared<const Reference>(
        Reference{n, classes, test::sum_tolerance(settings.dtype, n * classes), gy, doubles(x.data())});
    return [reference, pass = settings.pass](std::size_t, std::int64_t index) {
      return pass == Pass::forward ? reference->loss() : reference->gx(index);
    };
  };
  return problem;
}

}  // namespace fathom::benchmarks

// SPDX-License-Identifier: BSD-3-Clause
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fathom/nn/init.hpp>

#include "compare.hpp"
#include "params.hpp"
#include "replay.hpp"

namespace fathom::reference {
namespace {

using nlohmann::json;

const std::map<std::string, std::function<nn::Initializer(double)>>& initializers() {
  static const std::map<std::string, std::function<nn::Initializer(double)>> all = {
      {"Normal", nn::init::normal},
      {"Uniform", nn::init::uniform},
      {"LeCunNormal", nn::init::lecun_normal},
      {"LeCunUniform", nn::init::lecun_uniform},
      {"HeNormal", nn::init::he_normal},
      {"HeUniform", nn::init::he_uniform},
      {"GlorotNormal", nn::init::glorot_normal},
      {"GlorotUniform", nn::init::glorot_uniform},
  };
  return all;
}

/// Fans and formula, to the last digits, and the values drawn, as closely as their number allows.
std::vector<std::string> run(const json& entry, const nn::Initializer& initializer) {
  Comparison exact(1e-12, 0);
  const Shape shape(entry.at("shape").get<std::vector<std::int64_t>>());
  const nn::Fans fans = nn::chainer_fans(shape);
  exact.number("fan_in", static_cast<double>(fans.in), entry.at("fan_in"));
  exact.number("fan_out", static_cast<double>(fans.out), entry.at("fan_out"));
  exact.number("scale", initializer.scale(shape, fans), entry.at(entry.contains("bound") ? "bound" : "std"));

  const std::int64_t count = entry.at("samples");
  const Array values = initializer({.seed = 1, .stream = 0}, Shape{count}, fans, DType::float64);
  const double* begin = values.data<double>();
  const double* end = begin + count;
  const double n = static_cast<double>(count);
  const double mean = std::accumulate(begin, end, 0.0) / n;
  const double variance = std::inner_product(begin, end, begin, 0.0) / n - mean * mean;
  const double deviation = entry.at("std");
  // Five standard errors of the mean and of the deviation of so many normal values.
  Comparison drawn(0, 5 * deviation / std::sqrt(n));
  drawn.number("mean of the values", mean, 0);
  drawn.number("deviation of the values", std::sqrt(variance), deviation);

  std::vector<std::string> failures = exact.failures();
  failures.insert(failures.end(), drawn.failures().begin(), drawn.failures().end());
  return failures;
}

}  // namespace

void replay_initializer(const json& entry, Report& report) {
  const std::string name = entry.at("name");
  const auto found = initializers().find(name);
  if (found == initializers().end()) {
    report.skip(name, fmt::format("no initializer '{}' here", name));
    return;
  }
  const std::string id = fmt::format("{} of {}", name, entry.at("shape").dump());
  try {
    Params params(entry.at("params"));
    double scale = name == "Normal" || name == "Uniform" ? 0.05 : 1;  // Chainer's defaults
    params.read("scale", scale);
    nn::Initializer initializer = found->second(scale);
    bool by_fan_out = false;
    if (name.starts_with("He")) {
      params.read("fan_option", by_fan_out, {{"fan_in", false}, {"fan_out", true}});
    }
    if (by_fan_out) initializer = initializer.by_fan_out();
    if (const auto names = params.unread(); !names.empty()) {
      throw std::runtime_error(fmt::format("the table ignores the parameter {}", fmt::join(names, ", ")));
    }
    report.add(name, id, run(entry, initializer));
  } catch (const std::exception& error) {
    report.add(name, id, {error.what()});
  }
}

}  // namespace fathom::reference

// SPDX-License-Identifier: BSD-3-Clause
// Times a network's training steps or inference and prints a line of JSON. `bench_models --help` lists the
// options.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include <fathom/autograd/backward.hpp>
#include <fathom/autograd/function.hpp>
#include <fathom/autograd/hooks.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/cpu.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/memory.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/fold_batch_norm.hpp>
#include <fathom/nn/models/mobilenet_v1.hpp>
#include <fathom/nn/models/mobilenet_v2.hpp>
#include <fathom/nn/models/small_cnn.hpp>
#include <fathom/nn/optim/sgd.hpp>
#include <fathom/ops/softmax_cross_entropy.hpp>

#include "benchmarks/measure.hpp"
#include "benchmarks/models/settings.hpp"
#include "benchmarks/program.hpp"

namespace fathom::benchmarks {
namespace {

std::unique_ptr<nn::Module> make_model(const ModelSettings& settings) {
  Random random{1};
  const std::int64_t in_channels = settings.in_channels(), classes = settings.classes();
  if (settings.model == "small_cnn") {
    return std::make_unique<nn::SmallCNN>(nn::SmallCNNOptions{.in_channels = in_channels, .classes = classes},
                                          random);
  }
  if (settings.model == "mobilenet_v1") {
    return std::make_unique<nn::MobileNetV1>(nn::MobileNetV1Options{.in_channels = in_channels,
                                                                    .classes = classes,
                                                                    .width = settings.width,
                                                                    .small_images = settings.cifar},
                                             random);
  }
  return std::make_unique<nn::MobileNetV2>(nn::MobileNetV2Options{.in_channels = in_channels,
                                                                  .classes = classes,
                                                                  .width = settings.width,
                                                                  .small_images = settings.cifar},
                                           random);
}

Array make_labels(const ModelSettings& settings) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < settings.batch; ++i) labels.push_back(i * 7919 % settings.classes());
  return Array::from(labels, {settings.batch});
}

/// Adds up what functions say of their forward.
class MultiplyAdds final : public FunctionHook {
 public:
  void after_forward(const Function& function, std::span<const Array> inputs,
                     std::span<const Array> outputs) override {
    total += function.multiply_adds(inputs, outputs);
  }
  std::int64_t total = 0;
};

/// A network with a batch of random images.
class Workload {
 public:
  explicit Workload(const ModelSettings& settings)
      : settings_(settings),
        model_(make_model(settings)),
        images_(normal({.seed = 2}, {settings.batch, settings.in_channels(), settings.size, settings.size}, 0,
                       1, DType::float32)),
        labels_(make_labels(settings)) {
    if (settings.train) {
      optimizer_.emplace(model_->parameters(), nn::SGDOptions{.rate = 0.01, .momentum = 0.9});
    } else {
      fold();
    }
    MultiplyAdds counter;
    const HookScope scope(counter);
    static_cast<void>(predict());
    multiply_adds_ = counter.total;
  }

  void step() {
    if (settings_.train) {
      train();
    } else {
      last_ = predict().data<float>()[0];
    }
  }
  /// Of a forward pass.
  [[nodiscard]] std::int64_t multiply_adds() const { return multiply_adds_; }
  /// Throws unless the last step made a number.
  void check() const {
    if (!std::isfinite(last_)) throw Error(fmt::format("{}: the last result is {}", settings_.model, last_));
  }

 private:
  /// Folds batch normalizations that have seen a batch, and compares the results.
  void fold() {
    static_cast<void>(predict());
    model_->eval();
    const Array before = predict();
    const nn::FoldReport report = nn::fold_batch_norm(*model_);
    if (!report.left.empty()) throw Error(fmt::format("{}: {}", settings_.model, to_string(report)));
    if (!allclose(predict(), before, 1e-3, 1e-3)) {
      throw Error(fmt::format("{}: the folded network gives other results", settings_.model));
    }
  }
  [[nodiscard]] Array predict() {
    const NoGradScope no_grad;
    return (*model_)(Variable(images_)).data();
  }
  void train() {
    const Variable loss = ops::softmax_cross_entropy((*model_)(Variable(images_)), labels_);
    last_ = loss.item();
    backward(loss);
    optimizer_->step();
    optimizer_->zero_grad();
  }

  ModelSettings settings_;
  std::unique_ptr<nn::Module> model_;
  Array images_, labels_;
  std::optional<nn::SGD> optimizer_;
  double last_ = 0;
  std::int64_t multiply_adds_ = 0;
};

/// What the process has taken from the system so far.
struct Usage {
  double minor_faults, peak_rss_mib, system_allocations;
};

Usage usage() {
  rusage process{};
  getrusage(RUSAGE_SELF, &process);
  return {static_cast<double>(process.ru_minflt), static_cast<double>(process.ru_maxrss) / 1024,
          static_cast<double>(memory_statistics().system_allocations)};
}

nlohmann::ordered_json measure_steps(const ModelSettings& settings, Workload& workload) {
  const Usage before = usage();
  const Times times =
      measure({.seconds = 0, .at_least = settings.steps, .at_most = settings.steps, .warm_up = 0},
              [&workload] { workload.step(); });
  const Usage after = usage();
  workload.check();
  const auto steps = static_cast<double>(settings.steps);
  return {{"model", settings.model},
          {"mode", settings.train ? "train" : "infer"},
          {"width", settings.width},
          {"size", settings.size},
          {"cifar", settings.cifar},
          {"batch", settings.batch},
          {"threads", settings.threads},
          {"isa", to_string(active_isa())},
          {"steps", settings.steps},
          {"multiply_adds", workload.multiply_adds()},
          {"median_ms", times.median_ms},
          {"min_ms", times.min_ms},
          {"images_per_s", static_cast<double>(settings.batch) / times.median_ms * 1e3},
          {"peak_rss_mib", after.peak_rss_mib},
          {"minor_faults_per_step", (after.minor_faults - before.minor_faults) / steps},
          {"system_allocations_per_step", (after.system_allocations - before.system_allocations) / steps}};
}

int run(const std::vector<std::string>& words) {
  ModelSettings settings = parse_model_settings(words);
  set_num_threads(settings.threads);
  Workload workload(settings);
  for (int i = 0; i < 2; ++i) workload.step();
  if (!settings.from_stdin) std::cout << measure_steps(settings, workload).dump() << '\n';
  while (settings.from_stdin && std::cin >> settings.steps) {
    std::cout << measure_steps(settings, workload).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace fathom::benchmarks

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return fathom::benchmarks::run_program([&] { return fathom::benchmarks::run(words); });
}

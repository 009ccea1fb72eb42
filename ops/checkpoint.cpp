// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checkpoint.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include <fathom/autograd/function.hpp>
#include <fathom/autograd/recomputation.hpp>
#include <fathom/autograd/scopes.hpp>
#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>

namespace fathom::ops {
namespace {

using fathom::detail::Captured;
using fathom::detail::RepeatedStatesScope;

constexpr std::string_view kName = "checkpoint";
constexpr std::string_view kHint = "it must do the same both times, with the same parameters";

/// What is computed again, and the states that decided what it did.
struct Segment {
  CheckpointedFunctions function;
  std::vector<std::uint64_t> states;
};

/// One run with a graph of its own, which begins at `arguments`.
struct Run {
  Variables arguments;
  Variables ys;
  Captured captured;
};

Run run_again(const Segment& segment, Variables arguments,
              std::span<const std::shared_ptr<fathom::detail::Node>> captured_before) {
  const RecordingScope recording(true);
  const RepeatedStatesScope states(segment.states);
  const std::uint64_t since = fathom::detail::last_serial();
  Run run{.arguments = std::move(arguments), .ys = {}, .captured = {}};
  run.ys = segment.function(run.arguments);
  run.captured = fathom::detail::captured(run.ys, run.arguments, since);
  if (!std::equal(run.captured.nodes.begin(), run.captured.nodes.end(), captured_before.begin(),
                  captured_before.end())) {
    throw GraphError(fmt::format(
        "{}: the function used other parameters the second time (it used {}, then {})\n  hint: {}", kName,
        captured_before.size(), run.captured.nodes.size(), kHint));
  }
  return run;
}

/// Gradients of a run: of arguments first, then of captured leaves; undefined where not wanted or zero.
Variables gradients_of(const Run& run, const Wanted& wanted, std::span<const Variable> gys,
                       const BackwardOptions& options) {
  Variables ys, ygs, xs;
  for (std::size_t i = 0; i < gys.size(); ++i) {
    if (!gys[i].defined()) continue;
    if (i >= run.ys.size() || !run.ys[i].defined() || run.ys[i].shape() != gys[i].shape()) {
      throw GraphError(
          fmt::format("{}: the function gave something else the second time\n  hint: {}", kName, kHint));
    }
    if (!run.ys[i].requires_grad()) continue;
    ys.push_back(run.ys[i]);
    ygs.push_back(gys[i]);
  }
  const std::size_t count = run.arguments.size() + run.captured.leaves.size();
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < count; ++i) {
    if (!wanted[i]) continue;
    places.push_back(i);
    xs.push_back(i < run.arguments.size() ? run.arguments[i] : run.captured.leaves[i - run.arguments.size()]);
  }
  Variables result(count);
  if (ys.empty() || xs.empty()) return result;
  Variables found = fathom::detail::gradients_without_hooks(ys, xs, ygs, options);
  for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(found[i]);
  return result;
}

/// Inputs: the arguments, then the leaves that the function captured.
class Checkpoint final : public Function {
 public:
  Checkpoint(std::shared_ptr<const Segment> segment, std::size_t arguments, Arrays results)
      : segment_(std::move(segment)), arguments_(arguments), results_(std::move(results)) {}
  [[nodiscard]] std::string_view name() const override { return kName; }

  [[nodiscard]] Arrays forward(std::span<const Array> inputs) override {
    for (std::size_t i = 0; i < inputs.size(); ++i) retain_input(i);
    return std::move(results_);
  }

  [[nodiscard]] bool has_backward_arrays() const override { return true; }
  void backward_arrays(const Wanted& wanted, std::span<const Array> gys,
                       std::span<GradientSink> into) override {
    require_unchanged();
    Variables arguments, ygs;
    for (std::size_t i = 0; i < arguments_; ++i) arguments.emplace_back(input_array(i), wanted[i]);
    for (const Array& gy : gys) ygs.push_back(gy.defined() ? Variable(gy) : Variable{});
    Variables gradients =
        gradients_of(run_again(*segment_, std::move(arguments), captured()), wanted, ygs, {});
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) continue;
      Array gradient = gradients[i].data();
      gradients[i] = {};
      into[i].give(std::move(gradient));
    }
  }

  // The gradients are a function of arguments and gys that can be computed again like any other: so there are
  // gradients of any order, and no more is kept for them.
  [[nodiscard]] Variables backward(const Wanted& wanted, std::span<const Variable> gys) override {
    require_unchanged();
    Variables inputs_and_gys;
    for (std::size_t i = 0; i < arguments_; ++i) inputs_and_gys.push_back(input(i));
    std::vector<std::size_t> given;  // the outputs with a gradient
    for (std::size_t i = 0; i < gys.size(); ++i) {
      if (!gys[i].defined()) continue;
      given.push_back(i);
      inputs_and_gys.push_back(gys[i]);
    }
    const auto places = std::make_shared<std::vector<std::size_t>>();  // of the gradients that are not zero
    const std::vector<std::shared_ptr<fathom::detail::Node>> nodes(captured().begin(), captured().end());
    const auto gradients = [segment = segment_, count = arguments_, outputs = gys.size(), wanted, given,
                            nodes, places](const Variables& in) {
      Variables ygs(outputs);
      for (std::size_t i = 0; i < given.size(); ++i) ygs[given[i]] = in[count + i];
      const auto end = in.begin() + static_cast<std::ptrdiff_t>(count);
      const Variables all = gradients_of(run_again(*segment, Variables(in.begin(), end), nodes), wanted, ygs,
                                         {.create_graph = true});
      Variables found;
      places->clear();
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (!all[i].defined()) continue;
        places->push_back(i);
        found.push_back(all[i]);
      }
      return found;
    };
    const Variables found = checkpoint(CheckpointedFunctions(gradients), inputs_and_gys);
    Variables result(inputs().size());
    for (std::size_t i = 0; i < found.size(); ++i) result[(*places)[i]] = found[i];
    return result;
  }

 private:
  [[nodiscard]] std::span<const std::shared_ptr<fathom::detail::Node>> captured() const {
    return inputs().subspan(arguments_);
  }
  /// Reading an input refuses one that was changed in place.
  void require_unchanged() const {
    for (std::size_t i = 0; i < inputs().size(); ++i) static_cast<void>(input_array(i));
  }

  std::shared_ptr<const Segment> segment_;
  std::size_t arguments_;
  Arrays results_;
};

/// The first run. Its graph says which leaves the function captured, and is gone afterwards.
Variables first_run(CheckpointedFunctions function, const Variables& xs) {
  auto segment = std::make_shared<Segment>(Segment{.function = std::move(function), .states = {}});
  Variables inputs = xs;
  Arrays results;
  {
    const RepeatedStatesScope states(segment->states);
    const std::uint64_t since = fathom::detail::last_serial();
    Variables arguments;
    for (const Variable& x : xs) arguments.emplace_back(x.data(), x.requires_grad());
    const Variables ys = segment->function(arguments);
    for (std::size_t i = 0; i < ys.size(); ++i) {
      if (!ys[i].defined()) {
        throw GraphError(
            fmt::format("{}: result {} of the function is undefined\n  hint: every result has values, also "
                        "one that needs no gradient",
                        kName, i));
      }
      results.push_back(ys[i].data());
    }
    Captured captured = fathom::detail::captured(ys, arguments, since);
    if (captured.outside != nullptr) {
      throw GraphError(
          fmt::format("{}: the function uses a result of {} that was made outside and is no argument\n  "
                      "hint: give it among the xs, or detach() it",
                      kName, captured.outside->name()));
    }
    for (Variable& leaf : captured.leaves) inputs.push_back(std::move(leaf));
  }
  return std::make_shared<Checkpoint>(std::move(segment), xs.size(), std::move(results))->apply_to(inputs);
}

void require_function(bool is_there) {
  if (is_there) return;
  throw ValueError(
      fmt::format("{}: function must not be empty\n  hint: give a lambda, or std::ref(module)", kName));
}

}  // namespace

Variable checkpoint(const CheckpointedFunction& function, const Variable& x) {
  static_cast<void>(detail::check_defined(kName, x));
  require_function(function != nullptr);
  if (!is_recording()) return function(x);
  return first_run([function](const Variables& in) { return Variables{function(in[0])}; }, {x})[0];
}

Variables checkpoint(const CheckpointedFunctions& function, const Variables& xs) {
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (!xs[i].defined()) {
      throw GraphError(fmt::format("{}: xs[{}] must not be undefined\n  hint: leave it out of xs", kName, i));
    }
  }
  require_function(function != nullptr);
  if (!is_recording()) return function(xs);
  return first_run(function, xs);
}

}  // namespace fathom::ops

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/optimizer.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/optim/checks/options.hpp>

namespace fathom::nn {

namespace {

constexpr std::string_view kSteps = "t";
constexpr const char* kRate = "rate";

/// Elements [first, last) of a range.
UpdateRange part(const UpdateRange& whole, std::int64_t first, std::int64_t last) {
  UpdateRange range = whole;
  const auto bytes = static_cast<std::size_t>(first) * item_size(whole.dtype);
  range.offset += first;
  range.count = last - first;
  range.value_bytes += bytes;
  range.gradient_bytes += bytes;
  for (std::byte*& state : range.state_bytes) {
    if (state != nullptr) state += bytes;
  }
  return range;
}

Arrays make_state(const Variable& parameter, std::size_t count) {
  Arrays state;
  for (std::size_t k = 0; k < count; ++k) state.push_back(Array::zeros(parameter.shape(), parameter.dtype()));
  return state;
}

/// Whether the next step changes it.
bool has_gradient(const Variable& parameter) { return parameter.defined() && parameter.grad().defined(); }

}  // namespace

Optimizer::Optimizer(std::string name, ParameterGroups groups, double rate, std::vector<std::string> states)
    : name_(std::move(name)), state_names_(std::move(states)), rate_(0) {
  FATHOM_CHECK(ArgumentCheck(name_).hint("keep them in one array, or raise the limit"),
               state_names_.size() <= UpdateRange::kMaxStates, ValueError,
               "there may be {} states at most ({} are named)", UpdateRange::kMaxStates, state_names_.size());
  set_lr(rate);
  for (std::size_t i = 0; i < groups.size(); ++i) add_group(groups[i], i);
  ranges_.reserve(parameters_.size());
  ends_.reserve(parameters_.size());
}

Optimizer::~Optimizer() = default;

void Optimizer::add_group(const ParameterGroup& group, std::size_t index) {
  const ArgumentCheck check(name_);
  FATHOM_CHECK(check.hint("it is a factor of the optimizer's rate; 0 freezes the group"), group.rate >= 0,
               ValueError, "rate of group {} must not be negative (it is {})", index, group.rate);
  FATHOM_CHECK(check.hint("it is a factor of the optimizer's weight decay; 0 turns it off"), group.decay >= 0,
               ValueError, "decay of group {} must not be negative (it is {})", index, group.decay);
  for (const Variable& parameter : group.parameters) {
    const auto same = [&](const Variable& other) { return parameter.is(other); };
    const auto found = std::find_if(parameters_.begin(), parameters_.end(), same);
    FATHOM_CHECK(check.hint("list each parameter once"), found == parameters_.end(), ValueError,
                 "parameter {} is parameter {} again", parameters_.size(), found - parameters_.begin());
    parameters_.push_back(parameter);
    slots_.push_back({.rate = group.rate, .decay = group.decay});
  }
}

void Optimizer::set_lr(double rate) {
  detail::require_not_negative(name_, "rate", rate, "an optimizer goes against the gradient by itself");
  rate_ = rate;
}

std::vector<std::pair<std::string, double>> Optimizer::numbers() const { return {{kRate, rate_}}; }

void Optimizer::set_number(std::string_view name, double value) {
  if (name == kRate) {
    set_lr(value);
    return;
  }
  std::vector<std::string> names;
  for (const auto& [known, ignored] : numbers()) names.push_back(known);
  ArgumentCheck(name_).fail<ValueError>(fmt::format("there is no number '{}'", name),
                                        fmt::format("its numbers are: {}", fmt::join(names, ", ")));
}

void Optimizer::zero_grad() {
  for (Variable& parameter : parameters_) {
    if (parameter.defined()) parameter.zero_grad();
  }
}

std::size_t Optimizer::state_index(std::string_view name) const {
  const auto found = std::find(state_names_.begin(), state_names_.end(), name);
  if (found == state_names_.end()) {
    ArgumentCheck(name_).fail<ValueError>(fmt::format("there is no state '{}'", name),
                                          fmt::format("its states are: {}", fmt::join(state_names_, ", ")));
  }
  return static_cast<std::size_t>(found - state_names_.begin());
}

const Array& Optimizer::state(std::size_t parameter, std::string_view name) const {
  static const Array undefined;
  const std::size_t index = state_index(name);
  const Arrays& arrays = slots_.at(parameter).state;
  return arrays.empty() ? undefined : arrays[index];
}

std::vector<StateArray> Optimizer::state() const {
  std::vector<StateArray> result;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].steps == 0 && slots_[i].state.empty()) continue;
    Array steps = Array::empty({}, DType::int64);
    *steps.mutable_data<std::int64_t>() = slots_[i].steps;
    result.push_back({i, std::string(kSteps), steps});
    for (std::size_t j = 0; j < slots_[i].state.size(); ++j) {
      result.push_back({i, state_names_[j], slots_[i].state[j]});
    }
  }
  return result;
}

void Optimizer::set_state(std::size_t parameter, std::string_view name, const Array& value) {
  Slot& slot = slots_.at(parameter);
  ArgumentCheck check("Optimizer::set_state");
  if (name == kSteps) {
    check.argument("t", value).defined();
    FATHOM_CHECK(check.hint("it counts the parameter's steps"), value.dtype() == DType::int64, DTypeError,
                 "t must be int64 (it is {})", to_string(value.dtype()));
    const auto steps = static_cast<std::int64_t>(value.item());
    check.at_least("t", steps, 0, "it counts the parameter's steps");
    slot.steps = steps;
    return;
  }
  const std::size_t index = state_index(name);
  const Variable& owner = parameters_[parameter];
  if (!owner.defined()) {
    check.fail<GraphError>(fmt::format("parameter {} has no data yet", parameter),
                           "run one forward pass, or load its weights, before its state");
  }
  check.argument("parameter", owner.data()).argument("state", value);
  check.same_dtype().shape(owner.shape(), "that of its parameter");
  if (slot.state.empty()) slot.state = make_state(owner, state_names_.size());
  slot.state[index] = value.copy();
}

void Optimizer::prepare_state() {
  if (state_names_.empty()) return;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (slots_[i].state.empty() || !has_gradient(parameters_[i])) continue;
    const Array& value = parameters_[i].data();
    const Array& state = slots_[i].state.front();
    if (state.dtype() == value.dtype() && state.shape() == value.shape()) continue;
    ArgumentCheck(name_).fail<GraphError>(
        fmt::format("parameter {} was {} at the first step and is {} now", i, describe(state),
                    describe(value)),
        "make the optimizer after Module::to and after replacing parameters");
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (slots_[i].state.empty() && has_gradient(parameters_[i])) {
      slots_[i].state = make_state(parameters_[i], state_names_.size());
    }
  }
}

void Optimizer::list_ranges() {
  ranges_.clear();
  ends_.clear();
  std::int64_t count = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Variable& parameter = parameters_[i];
    if (!has_gradient(parameter)) continue;
    Slot& slot = slots_[i];
    Array value = parameter.mutable_data();
    UpdateRange range{.dtype = value.dtype(),
                      .count = value.size(),
                      .rate = rate_ * slot.rate,
                      .decay_scale = slot.decay,
                      .t = ++slot.steps,
                      .value_bytes = value.raw_mutable_data(),
                      .gradient_bytes = parameter.grad().data().raw_data()};
    for (std::size_t j = 0; j < slot.state.size(); ++j) {
      range.state_bytes[j] = slot.state[j].raw_mutable_data();
    }
    ranges_.push_back(range);
    ends_.push_back(count += range.count);
  }
}

void Optimizer::step() {
  prepare_state();
  list_ranges();
  // One loop over the elements of all parameters: most are too small to be worth threads of their own.
  const std::int64_t count = ends_.empty() ? 0 : ends_.back();
  parallel_for(count, fathom::detail::kElementGrain, [this](std::int64_t begin, std::int64_t end) {
    auto i = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), begin) - ends_.begin());
    for (; i < ranges_.size() && ends_[i] - ranges_[i].count < end; ++i) {
      const std::int64_t start = ends_[i] - ranges_[i].count;
      const std::int64_t first = std::max(begin, start) - start;
      const std::int64_t last = std::min(end, ends_[i]) - start;
      if (first < last) update(part(ranges_[i], first, last));
    }
  });
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/optim/sgd.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/elementwise.hpp>
#include <fathom/core/error.hpp>
#include <fathom/core/threads.hpp>

namespace fathom::nn {

namespace {
void check_rate(double rate) {
  if (!(rate >= 0)) {
    throw ValueError(fmt::format(
        "SGD: rate must not be negative (rate is {})\n  hint: SGD goes against the gradient by itself",
        rate));
  }
}
}  // namespace

SGD::SGD(Variables parameters, const SGDOptions& options)
    : parameters_(std::move(parameters)), options_(options), velocities_(parameters_.size()) {
  check_rate(options.rate);
  if (!(options.momentum >= 0 && options.momentum < 1)) {
    throw ValueError(
        fmt::format("SGD: momentum must be at least 0 and less than 1 (momentum is {})\n  hint: 0.9 is "
                    "usual, 0 turns it off",
                    options.momentum));
  }
  if (!(options.weight_decay >= 0)) {
    throw ValueError(fmt::format(
        "SGD: weight_decay must not be negative (weight_decay is {})\n  hint: 1e-4 is usual, 0 turns it off",
        options.weight_decay));
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!parameters_[i].is(parameters_[j])) continue;
      throw ValueError(
          fmt::format("SGD: parameter {} is parameter {} again\n  hint: list each parameter once", i, j));
    }
  }
  segments_.reserve(parameters_.size());
}

void SGD::set_lr(double rate) {
  check_rate(rate);
  options_.rate = rate;
}

void SGD::zero_grad() {
  for (Variable& parameter : parameters_) {
    if (parameter.defined()) parameter.zero_grad();
  }
}

void SGD::make_velocities() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Variable& parameter = parameters_[i];
    if (!parameter.defined() || !parameter.grad().defined()) continue;
    if (!velocities_[i].defined()) {
      velocities_[i] = Array::zeros(parameter.shape(), parameter.dtype());
    } else if (velocities_[i].dtype() != parameter.dtype() || velocities_[i].shape() != parameter.shape()) {
      throw GraphError(
          fmt::format("SGD: parameter {} was {} at the first step and is {} now\n  hint: make the optimizer "
                      "after Module::to and after replacing parameters",
                      i, describe(velocities_[i]), describe(parameter.data())));
    }
  }
}

void SGD::step() {
  if (options_.momentum > 0) make_velocities();
  segments_.clear();
  std::int64_t count = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Variable& parameter = parameters_[i];
    if (!parameter.defined()) continue;
    const Variable gradient = parameter.grad();
    if (!gradient.defined()) continue;
    Array value = parameter.mutable_data();
    segments_.push_back({.dtype = value.dtype(),
                         .begin = count,
                         .end = count + value.size(),
                         .value = value.raw_mutable_data(),
                         .gradient = gradient.data().raw_data(),
                         .velocity = velocities_[i].defined() ? velocities_[i].raw_mutable_data() : nullptr});
    count += value.size();
  }
  parallel_for(count, detail::kElementGrain, [this](std::int64_t begin, std::int64_t end) {
    auto segment = std::upper_bound(segments_.begin(), segments_.end(), begin,
                                    [](std::int64_t at, const Segment& s) { return at < s.end; });
    for (; segment != segments_.end() && segment->begin < end; ++segment) {
      const std::int64_t first = std::max(begin, segment->begin) - segment->begin;
      const std::int64_t last = std::min(end, segment->end) - segment->begin;
      dispatch_float(segment->dtype, "SGD", [&]<class T>() { update<T>(*segment, first, last); });
    }
  });
}

template <class T>
void SGD::update(const Segment& segment, std::int64_t begin, std::int64_t end) const {
  const auto rate = static_cast<T>(options_.rate);
  const auto momentum = static_cast<T>(options_.momentum);
  const auto decay = static_cast<T>(options_.weight_decay);
  T* __restrict p = reinterpret_cast<T*>(segment.value);
  const T* __restrict g = reinterpret_cast<const T*>(segment.gradient);
  T* __restrict v = reinterpret_cast<T*>(segment.velocity);
  if (v == nullptr) {
    for (std::int64_t i = begin; i < end; ++i) p[i] -= rate * (g[i] + decay * p[i]);
    return;
  }
  for (std::int64_t i = begin; i < end; ++i) {
    v[i] = momentum * v[i] - rate * (g[i] + decay * p[i]);
    p[i] += v[i];
  }
}

}  // namespace fathom::nn

// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/train/ema.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/check.hpp>
#include <fathom/core/elementwise.hpp>
#include <fathom/core/threads.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/nn/optim/checks/options.hpp>

namespace fathom::nn::train {

namespace {

void move_towards(Array& average, const Array& value, double share) {
  if (!is_float(value.dtype())) {
    average.assign(value);
    return;
  }
  dispatch_float(value.dtype(), "Ema", [&]<class T>() {
    T* a = average.mutable_data<T>();
    const T* v = value.data<T>();
    const T part = static_cast<T>(share);
    parallel_for(value.size(), fathom::detail::kElementGrain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) a[i] += part * (v[i] - a[i]);
    });
  });
}

}  // namespace

Ema::Ema(Module& module, const EmaOptions& options) : module_(&module), options_(options) {
  nn::detail::require_below_one("Ema", "decay", options.decay,
                                "it is the share that is kept; 0.999 is usual");
}

void Ema::collect() {
  if (!averages_.empty()) return;
  require_initialized("Ema", *module_);
  for (const auto& [name, value] : module_->named_parameters()) {
    averages_.push_back({name, value.data(), value.data().copy()});
  }
  for (const auto& [name, value] : module_->named_buffers()) averages_.push_back({name, value, value.copy()});
}

void Ema::update() {
  if (averages_.empty()) {
    collect();
  } else {
    const auto t = static_cast<double>(updates_);
    const double decay = options_.warm_up ? std::min(options_.decay, (1 + t) / (10 + t)) : options_.decay;
    for (Average& entry : averages_) move_towards(entry.average, entry.value, 1 - decay);
  }
  ++updates_;
}

void Ema::swap() {
  for (Average& entry : averages_) {
    std::byte* value = entry.value.raw_mutable_data();
    std::swap_ranges(value, value + entry.value.byte_size(), entry.average.raw_mutable_data());
  }
}

NamedArrays Ema::state() const {
  NamedArrays result;
  for (const Average& entry : averages_) result.emplace_back(entry.name, entry.average);
  return result;
}

void Ema::set_state(const NamedArrays& averages, std::int64_t updates) {
  averages_.clear();
  updates_ = updates;
  if (averages.empty()) return;
  collect();
  const ArgumentCheck check("Ema::set_state");
  const auto hinted = check.hint("the module must be built as the one that was averaged");
  FATHOM_CHECK(hinted, averages.size() == averages_.size(), ValueError,
               "there must be an average for each array of the module ({} averages, {} arrays)",
               averages.size(), averages_.size());
  for (std::size_t i = 0; i < averages.size(); ++i) {
    const auto& [name, array] = averages[i];
    Average& entry = averages_[i];
    const bool fits = name == entry.name && array.defined() && array.dtype() == entry.value.dtype() &&
                      array.shape() == entry.value.shape();
    FATHOM_CHECK(hinted, fits, ValueError, "average {} must be {} {} (it is {} {})", i, entry.name,
                 describe(entry.value), name, describe(array));
    entry.average.assign(array);
  }
}

}  // namespace fathom::nn::train

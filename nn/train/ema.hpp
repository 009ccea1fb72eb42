// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fathom/core/npy.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn::train {

struct EmaOptions {
  double decay = 0.999;  ///< share of the average that each update keeps
  /// Begin with less: update t, from 0, keeps min(decay, (1 + t) / (10 + t)), so that the first weights are
  /// soon forgotten.
  bool warm_up = true;
};

/// A running mean of a module's weights, batch normalization's statistics included: what one evaluates and
/// keeps, while training goes on with the weights themselves. For each array
///
///     average = decay * average + (1 - decay) * value
///
/// and integers, as dropout's counter, are those of the last update. The first update copies.
///
///     optimizer.step();
///     optimizer.zero_grad();
///     ema.update();
///
/// The module must outlive it, and keep its arrays: make a new one after Module::to.
/// Source: B. Polyak and A. Juditsky, 1992; the warm-up is TensorFlow's.
class FATHOM_EXPORT Ema {
 public:
  /// Throws ValueError for a decay outside [0, 1).
  explicit Ema(Module& module, const EmaOptions& options = {});

  /// Once after each optimizer.step(). Throws GraphError for a parameter that has no data yet.
  void update();
  [[nodiscard]] std::int64_t updates() const { return updates_; }

  /// Exchanges weights and averages, in the arrays that the module has. Before the first update nothing
  /// happens.
  void swap();

  /// The averages by the module's names; they share the buffers. Empty before the first update.
  [[nodiscard]] NamedArrays state() const;
  /// Puts copies of all averages back, `updates` being what `updates()` was. Throws ValueError naming the
  /// first that does not fit the module.
  void set_state(const NamedArrays& averages, std::int64_t updates);

 private:
  struct Average {
    std::string name;
    Array value;  // shares the module's buffer
    Array average;
  };
  void collect();

  Module* module_;
  EmaOptions options_;
  std::int64_t updates_ = 0;
  std::vector<Average> averages_;
};

/// Within its lifetime the module has the averages for its weights.
class EmaScope {
 public:
  explicit EmaScope(Ema& ema) : ema_(ema) { ema_.swap(); }
  EmaScope(const EmaScope&) = delete;
  EmaScope& operator=(const EmaScope&) = delete;
  ~EmaScope() { ema_.swap(); }

 private:
  Ema& ema_;
};

}  // namespace fathom::nn::train

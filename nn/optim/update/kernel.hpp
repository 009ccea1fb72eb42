// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include <fathom/core/cpu.hpp>

namespace fathom::nn::update {

// A rule of an optimizer is the numbers of its formula for one parameter at one step, as here, and the
// formula, in kernel_impl.hpp. `decay` is what weight decay adds to the gradient: g + decay * p.

struct SGDRule {
  static constexpr std::string_view kName = "optim/sgd";
  static constexpr int kStates = 0;
  double rate, decay;
};

/// All forms of momentum: v = momentum v - inner_rate g, p += velocity_weight v - gradient_weight g.
struct MomentumRule {
  static constexpr std::string_view kName = "optim/momentum";
  static constexpr int kStates = 1;
  double momentum, inner_rate, decay;
  double velocity_weight, gradient_weight;
};

struct AdamRule {
  static constexpr std::string_view kName = "optim/adam";
  static constexpr int kStates = 2;
  double rate;        ///< with the correction of both means
  double new1, new2;  ///< 1 - beta1 and 1 - beta2, rounded once
  double eps, decay;
  double shrink;  ///< the share of p that decoupled weight decay takes
};

/// Adam whose v never falls: a third state is the largest v so far.
struct AMSGradRule : AdamRule {
  static constexpr std::string_view kName = "optim/amsgrad";
  static constexpr int kStates = 3;
};

struct RMSpropRule {
  static constexpr std::string_view kName = "optim/rmsprop";
  static constexpr int kStates = 1;
  double rate, alpha, new_share, decay;
  double eps_inside, eps_outside;  ///< of the root
};

struct AdaGradRule {
  static constexpr std::string_view kName = "optim/adagrad";
  static constexpr int kStates = 1;
  double rate, decay, eps;
};

struct AdaDeltaRule {
  static constexpr std::string_view kName = "optim/adadelta";
  static constexpr int kStates = 2;
  double rate, rho, new_share, decay, eps;
};

/// Elements of one parameter with its gradient and state; only what the rule changes is written.
template <class T>
struct Elements {
  std::int64_t count;
  T* p;
  const T* g;
  T* state[3];
};

template <class Rule>
struct RuleKernels {
  void (*float32)(const Rule& rule, const Elements<float>& elements);
  void (*float64)(const Rule& rule, const Elements<double>& elements);
};

/// All rules; `const RuleKernels<AdamRule>& kernels = table` picks one.
struct KernelTable : RuleKernels<SGDRule>,
                     RuleKernels<MomentumRule>,
                     RuleKernels<AdamRule>,
                     RuleKernels<AMSGradRule>,
                     RuleKernels<RMSpropRule>,
                     RuleKernels<AdaGradRule>,
                     RuleKernels<AdaDeltaRule> {};

/// Each unit that kernel_impl.hpp is compiled into defines one of these.
template <Isa isa>
[[nodiscard]] const KernelTable& kernels();

}  // namespace fathom::nn::update

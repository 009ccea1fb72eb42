// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for each instruction set (cmake/Isa.cmake), which FATHOM_ARCH and FATHOM_ISA name.
#include <cstdint>

#include <xsimd/xsimd.hpp>

#include <fathom/nn/optim/update/kernel.hpp>

namespace fathom::nn::update {
namespace {

template <class T>
using Batch = xsimd::batch<T, FATHOM_ARCH>;

/// Numbers of a rule are double; the vectors round them to their own type.
template <class T>
Batch<T> operator*(double a, const Batch<T>& b) {
  return Batch<T>(static_cast<T>(a)) * b;
}
template <class T>
Batch<T> operator+(const Batch<T>& a, double b) {
  return a + Batch<T>(static_cast<T>(b));
}

// The formulas: p, g and the state s, each a vector of elements.

template <class V>
void apply(const SGDRule& rule, V& p, V g, V*) {
  p -= rule.rate * (g + rule.decay * p);
}

template <class V>
void apply(const MomentumRule& rule, V& p, V g, V* s) {
  V& v = s[0];
  g += rule.decay * p;
  v = rule.momentum * v - rule.inner_rate * g;
  p += rule.velocity_weight * v - rule.gradient_weight * g;
}

template <class V>
void update_means(const AdamRule& rule, const V& p, V g, V& m, V& v) {
  g += rule.decay * p;
  m += rule.new1 * (g - m);
  v += rule.new2 * (g * g - v);
}
template <class V>
void adam_step(const AdamRule& rule, V& p, const V& m, const V& v) {
  p -= rule.rate * m / (xsimd::sqrt(v) + rule.eps) + rule.shrink * p;
}

template <class V>
void apply(const AdamRule& rule, V& p, V g, V* s) {
  update_means(rule, p, g, s[0], s[1]);
  adam_step(rule, p, s[0], s[1]);
}

template <class V>
void apply(const AMSGradRule& rule, V& p, V g, V* s) {
  update_means(rule, p, g, s[0], s[1]);
  s[2] = xsimd::select(s[1] > s[2] || xsimd::isnan(s[1]), s[1], s[2]);
  adam_step(rule, p, s[0], s[2]);
}

template <class V>
void apply(const RMSpropRule& rule, V& p, V g, V* s) {
  V& ms = s[0];
  g += rule.decay * p;
  ms = rule.alpha * ms + rule.new_share * (g * g);
  p -= rule.rate * g / (xsimd::sqrt(ms + rule.eps_inside) + rule.eps_outside);
}

template <class V>
void apply(const AdaGradRule& rule, V& p, V g, V* s) {
  V& h = s[0];
  g += rule.decay * p;
  h += g * g;
  p -= rule.rate * g / (xsimd::sqrt(h) + rule.eps);
}

template <class V>
void apply(const AdaDeltaRule& rule, V& p, V g, V* s) {
  V& msg = s[0];
  V& msdx = s[1];
  g += rule.decay * p;
  msg = rule.rho * msg + rule.new_share * (g * g);
  const V dx = xsimd::sqrt((msdx + rule.eps) / (msg + rule.eps)) * g;
  msdx = rule.rho * msdx + rule.new_share * (dx * dx);
  p -= rule.rate * dx;
}

/// Whole vectors. Never inlined: one copy of the formula for body and rest gives an element the same bits in
/// both.
template <class T, class Rule>
[[gnu::noinline]]
#if !defined(__clang__)
[[gnu::noclone]]  // g++ makes a second copy for a constant count
#endif
void run_vectors(const Rule rule, const Elements<T> e) {
  constexpr auto kLanes = static_cast<std::int64_t>(Batch<T>::size);
  for (std::int64_t i = 0; i < e.count; i += kLanes) {
    Batch<T> p = Batch<T>::load_unaligned(e.p + i);
    Batch<T> state[Rule::kStates + 1];
    for (int k = 0; k < Rule::kStates; ++k) state[k] = Batch<T>::load_unaligned(e.state[k] + i);
    apply(rule, p, Batch<T>::load_unaligned(e.g + i), state);
    p.store_unaligned(e.p + i);
    for (int k = 0; k < Rule::kStates; ++k) state[k].store_unaligned(e.state[k] + i);
  }
}

template <class T>
void copy(const T* from, std::int64_t count, T* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}

/// The rest goes through a vector of its own: another thread may be writing what lies behind it.
template <class T, class Rule>
void run(const Rule& rule, const Elements<T>& elements) {
  constexpr auto kLanes = static_cast<std::int64_t>(Batch<T>::size);
  const std::int64_t rest = elements.count % kLanes;
  Elements<T> whole = elements;
  whole.count -= rest;
  run_vectors<T, Rule>(rule, whole);
  if (rest == 0) return;

  T p[kLanes] = {}, g[kLanes] = {}, state[Rule::kStates + 1][kLanes] = {};
  Elements<T> last{.count = kLanes, .p = p, .g = g, .state = {}};
  copy(elements.p + whole.count, rest, p);
  copy(elements.g + whole.count, rest, g);
  for (int k = 0; k < Rule::kStates; ++k) {
    copy(elements.state[k] + whole.count, rest, state[k]);
    last.state[k] = state[k];
  }
  run_vectors<T, Rule>(rule, last);
  copy(p, rest, elements.p + whole.count);
  for (int k = 0; k < Rule::kStates; ++k) copy(state[k], rest, elements.state[k] + whole.count);
}

template <class Rule>
constexpr RuleKernels<Rule> both{&run<float, Rule>, &run<double, Rule>};

constexpr KernelTable table{both<SGDRule>,     both<MomentumRule>, both<AdamRule>,    both<AMSGradRule>,
                            both<RMSpropRule>, both<AdaGradRule>,  both<AdaDeltaRule>};

}  // namespace

template <>
const KernelTable& kernels<Isa::FATHOM_ISA>() {
  return table;
}

}  // namespace fathom::nn::update

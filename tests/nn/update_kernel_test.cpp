// SPDX-License-Identifier: BSD-3-Clause
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include <fathom/core/random.hpp>
#include <fathom/nn/optim/update/kernel.hpp>

#include "support/tolerance.hpp"

using namespace fathom;
using namespace fathom::nn::update;

namespace {

/// One element in double: what the formulas in the headers of the optimizers say.
struct Element {
  double p, g, s[3];
};

Element expected(const SGDRule& r, Element e) {
  e.p = e.p - r.rate * (e.g + r.decay * e.p);
  return e;
}
Element expected(const MomentumRule& r, Element e) {
  const double g = e.g + r.decay * e.p;
  e.s[0] = r.momentum * e.s[0] - r.inner_rate * g;
  e.p = e.p + r.velocity_weight * e.s[0] - r.gradient_weight * g;
  return e;
}
Element expected(const AdamRule& r, Element e) {
  const double g = e.g + r.decay * e.p;
  e.s[0] = (1 - r.new1) * e.s[0] + r.new1 * g;
  e.s[1] = (1 - r.new2) * e.s[1] + r.new2 * g * g;
  e.p = e.p - r.rate * e.s[0] / (std::sqrt(e.s[1]) + r.eps) - r.shrink * e.p;
  return e;
}
Element expected(const AMSGradRule& r, Element e) {
  const double g = e.g + r.decay * e.p;
  e.s[0] = (1 - r.new1) * e.s[0] + r.new1 * g;
  e.s[1] = (1 - r.new2) * e.s[1] + r.new2 * g * g;
  e.s[2] = std::max(e.s[1], e.s[2]);
  e.p = e.p - r.rate * e.s[0] / (std::sqrt(e.s[2]) + r.eps) - r.shrink * e.p;
  return e;
}
Element expected(const RMSpropRule& r, Element e) {
  const double g = e.g + r.decay * e.p;
  e.s[0] = r.alpha * e.s[0] + r.new_share * g * g;
  e.p = e.p - r.rate * g / (std::sqrt(e.s[0] + r.eps_inside) + r.eps_outside);
  return e;
}

Element expected(const AdaGradRule& r, Element e) {
  const double g = e.g + r.decay * e.p;
  e.s[0] = e.s[0] + g * g;
  e.p = e.p - r.rate * g / (std::sqrt(e.s[0]) + r.eps);
  return e;
}
Element expected(const AdaDeltaRule& r, Element e) {
  const double g = e.g + r.decay * e.p;
  e.s[0] = r.rho * e.s[0] + r.new_share * g * g;
  const double dx = std::sqrt(e.s[1] + r.eps) / std::sqrt(e.s[0] + r.eps) * g;
  e.s[1] = r.rho * e.s[1] + r.new_share * dx * dx;
  e.p = e.p - r.rate * dx;
  return e;
}

template <class Rule>
Rule example();
template <>
SGDRule example() {
  return {.rate = 0.3, .decay = 0.2};
}
template <>
MomentumRule example() {
  return {.momentum = 0.7, .inner_rate = 0.3, .decay = 0.2, .velocity_weight = 0.49, .gradient_weight = 0.51};
}
template <>
AdamRule example() {
  return {.rate = 0.1, .new1 = 0.2, .new2 = 0.1, .eps = 0.01, .decay = 0.2, .shrink = 0.05};
}
template <>
AMSGradRule example() {
  return {example<AdamRule>()};
}
template <>
RMSpropRule example() {
  return {.rate = 0.1, .alpha = 0.8, .new_share = 0.2, .decay = 0.2, .eps_inside = 0.01, .eps_outside = 0.02};
}
template <>
AdaGradRule example() {
  return {.rate = 0.1, .decay = 0.2, .eps = 0.01};
}
template <>
AdaDeltaRule example() {
  return {.rate = 0.5, .rho = 0.8, .new_share = 0.2, .decay = 0.2, .eps = 0.01};
}

constexpr std::int64_t kMargin = 3;

/// p, g and three states, `count` elements each between marks that no kernel may change.
template <class T>
struct Row {
  std::vector<T> values[5];

  explicit Row(std::int64_t count) {
    for (std::size_t k = 0; k < 5; ++k) {
      // Means of squares are not negative.
      const Array drawn = uniform({7, k}, {count}, k < 2 ? -1 : 0.05, 1, dtype_of<T>);
      values[k].assign(static_cast<std::size_t>(count + 2 * kMargin), T(99));
      std::copy_n(drawn.data<T>(), count, values[k].begin() + kMargin);
    }
  }
  Elements<T> elements(std::int64_t first, std::int64_t count) {
    const auto at = [&](std::size_t k) { return values[k].data() + kMargin + first; };
    return {.count = count, .p = at(0), .g = at(1), .state = {at(2), at(3), at(4)}};
  }
  [[nodiscard]] Element at(std::int64_t i) const {
    const auto value = [&](std::size_t k) {
      return static_cast<double>(values[k][static_cast<std::size_t>(kMargin + i)]);
    };
    return {value(0), value(1), {value(2), value(3), value(4)}};
  }
};

template <class T, class Rule>
void run(Isa isa, const Rule& rule, const Elements<T>& elements) {
  const RuleKernels<Rule>& kernels =
      detail::dispatch_isa(isa, []<Isa set>() -> const KernelTable& { return nn::update::kernels<set>(); });
  if constexpr (std::is_same_v<T, float>) {
    kernels.float32(rule, elements);
  } else {
    kernels.float64(rule, elements);
  }
}

template <class T, class Rule>
void compare_with_formula(Isa isa, std::int64_t count) {
  const Rule rule = example<Rule>();
  const Row<T> before(count);
  Row<T> after = before;
  run(isa, rule, after.elements(0, count));
  // Some ten rounded operations on numbers up to 2.
  const double tolerance = 2 * test::sum_tolerance(dtype_of<T>, 10);
  for (std::int64_t i = -kMargin; i < count + kMargin; ++i) {
    const bool inside = i >= 0 && i < count;
    const Element want = inside ? expected(rule, before.at(i)) : before.at(i);
    const Element got = after.at(i);
    INFO("element " << i);
    REQUIRE(std::abs(got.p - want.p) <= (inside ? tolerance : 0));
    REQUIRE(got.g == want.g);
    for (int k = 0; k < 3; ++k) REQUIRE(std::abs(got.s[k] - want.s[k]) <= (inside ? tolerance : 0));
  }
}

template <class T, class Rule>
void compare_cuts(Isa isa) {
  constexpr std::int64_t kCount = 61;
  const Rule rule = example<Rule>();
  Row<T> whole(kCount);
  const Row<T> before = whole;
  run(isa, rule, whole.elements(0, kCount));
  for (std::int64_t cut = 0; cut <= kCount; ++cut) {
    Row<T> parts = before;
    run(isa, rule, parts.elements(0, cut));
    run(isa, rule, parts.elements(cut, kCount - cut));
    INFO("cut at " << cut);
    for (std::size_t k = 0; k < 5; ++k) REQUIRE(parts.values[k] == whole.values[k]);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("update kernels follow the formulas and write nothing else", "[optim][kernel]", SGDRule,
                   MomentumRule, AdamRule, AMSGradRule, RMSpropRule, AdaGradRule, AdaDeltaRule) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  const std::int64_t count = GENERATE(0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100);
  CAPTURE(to_string(isa), count);
  compare_with_formula<float, TestType>(isa, count);
  compare_with_formula<double, TestType>(isa, count);
}

TEMPLATE_TEST_CASE("an element's new value does not depend on where a range begins", "[optim][kernel]",
                   SGDRule, MomentumRule, AdamRule, AMSGradRule, RMSpropRule, AdaGradRule, AdaDeltaRule) {
  const Isa isa = GENERATE(from_range(supported_isas()));
  CAPTURE(to_string(isa));
  compare_cuts<float, TestType>(isa);
  compare_cuts<double, TestType>(isa);
}

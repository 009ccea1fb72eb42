// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/sigmoid_cross_entropy.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/ops/checks/labels.hpp>
#include <fathom/ops/rules/elementwise.hpp>
#include <fathom/ops/sigmoid_cross_entropy/rules.hpp>

namespace fathom::ops {

namespace {

constexpr std::string_view kName = rules::SigmoidCrossEntropy::name;

/// As check_labels, for probabilities.
std::int64_t check_probabilities(const ArgumentCheck& check, const Array& t, std::int64_t ignore_label) {
  return dispatch_float(t.dtype(), kName, [&]<class T>() {
    const T* targets = t.data<T>();
    std::int64_t counted = 0;
    for (std::int64_t i = 0; i < t.size(); ++i) {
      if (targets[i] == static_cast<T>(ignore_label)) continue;
      ++counted;
      FATHOM_CHECK(check.hint("they are probabilities; the scores are x"), targets[i] >= 0 && targets[i] <= 1,
                   ValueError, "targets must lie in [0, 1] or be the ignored {} ({} is {})", ignore_label,
                   detail::element_of("t", t.shape(), i), targets[i]);
    }
    return counted;
  });
}

/// The number of targets that count.
std::int64_t check_arguments(const Array& x, const Array& t, const SigmoidCrossEntropyOptions& options) {
  ArgumentCheck check(kName);
  check.argument("x", x).argument("t", t).defined();
  const bool soft = is_float(t.dtype());
  if (soft) {
    check.same_dtype();
  } else {
    check.index();
  }
  check.shape(x.shape(), "that of x");
  return soft ? check_probabilities(check, t, options.ignore_label)
              : detail::check_labels(check, t, 2, options.ignore_label, "one label for each score, 0 or 1");
}

/// t in x's dtype, with the rules' own number where it is ignored.
Array targets_for_rules(const Array& t, DType dtype, std::int64_t ignore_label) {
  Array targets = t.astype(dtype);
  if (static_cast<double>(ignore_label) == rules::kIgnored) return targets;
  return map(kName, targets, [ignore_label](auto target) {
    using T = decltype(target);
    return target == static_cast<T>(ignore_label) ? static_cast<T>(rules::kIgnored) : target;
  });
}

}  // namespace

Variable sigmoid_cross_entropy(const Variable& x, const Array& t, const SigmoidCrossEntropyOptions& options) {
  const std::int64_t counted = check_arguments(detail::array_or_undefined(x), t, options);
  const Variable targets(targets_for_rules(t, x.dtype(), options.ignore_label));
  const Variable losses = rules::elementwise(x, targets, rules::SigmoidCrossEntropy{});
  const std::int64_t batch = x.rank() == 0 ? 1 : x.shape(0);
  return detail::reduced(losses, options.reduce,
                         std::max<std::int64_t>(1, options.normalize ? counted : batch));
}

}  // namespace fathom::ops

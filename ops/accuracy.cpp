// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/accuracy.hpp>

#include <cmath>

#include <fmt/format.h>

#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/labels.hpp>

namespace fathom::ops {

namespace {

constexpr std::string_view kName = "accuracy";

/// The number of labels that count.
std::int64_t check_arguments(const Array& y, const Array& t, const AccuracyOptions& options) {
  ArgumentCheck check(kName);
  check.argument("y", y, "(n, classes, d...)").argument("t", t, "(n, d...)");
  check.select("y").floating();
  FATHOM_CHECK(check.hint("axis 1 holds the scores; a single sample is y.reshape({1, -1})"), y.rank() >= 2,
               ShapeError, "y must have at least 2 axes (it has {})", y.rank());
  FATHOM_CHECK(check.hint("axis 1 counts the classes; look at the size of the last layer"), y.shape(1) >= 1,
               ShapeError, "y must have at least one class (axis 1 has 0)");
  Shape labels_shape{y.shape(0)};
  for (std::size_t axis = 2; axis < y.rank(); ++axis) labels_shape.push_back(y.shape()[axis]);
  check.select("t").index().shape(labels_shape, "that of y without axis 1");
  return detail::check_labels(check, t, y.shape(1), options.ignore_label,
                              "labels that are to count nothing: {.ignore_label = -1}");
}

/// The first of the largest scores, `step` apart; NaN is larger than all.
template <class T>
std::int64_t largest_class(const T* scores, std::int64_t classes, std::int64_t step) {
  std::int64_t best = 0;
  for (std::int64_t k = 0; k < classes; ++k) {
    if (std::isnan(scores[k * step])) return k;
    if (scores[k * step] > scores[best * step]) best = k;
  }
  return best;
}

/// How many labels that are not ignored are the classes with the largest scores.
template <class T, class L>
std::int64_t count_right(const Array& y, const Array& t, std::optional<std::int64_t> ignore_label) {
  const T* scores = y.data<T>();
  const L* labels = t.data<L>();
  const std::int64_t classes = y.shape(1);
  const std::int64_t inner = t.size() / y.shape(0);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < t.size(); ++i) {
    if (labels[i] == ignore_label) continue;
    const T* first = scores + i / inner * classes * inner + i % inner;
    if (largest_class(first, classes, inner) == labels[i]) ++right;
  }
  return right;
}

}  // namespace

Array accuracy(const Array& y, const Array& t, const AccuracyOptions& options) {
  const std::int64_t counted = check_arguments(y, t, options);
  if (counted == 0) return Array::scalar(0, y.dtype());
  const std::int64_t right = dispatch_float(y.dtype(), kName, [&]<class T>() {
    return dispatch_index(t.dtype(), kName,
                          [&]<class L>() { return count_right<T, L>(y, t, options.ignore_label); });
  });
  return Array::scalar(static_cast<double>(right) / static_cast<double>(counted), y.dtype());
}

Array accuracy(const Variable& y, const Array& t, const AccuracyOptions& options) {
  return accuracy(detail::array_or_undefined(y), t, options);
}

}  // namespace fathom::ops

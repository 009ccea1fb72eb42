// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/accuracy.hpp>

#include <fmt/format.h>

#include <fathom/core/reduce.hpp>
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

/// How many labels that are not ignored are the classes with the largest scores.
template <class L>
std::int64_t count_right(const Array& y, const Array& t, std::optional<std::int64_t> ignore_label) {
  const Array largest = fathom::argmax(y, 1);
  const auto* classes = largest.data<std::int64_t>();
  const L* labels = t.data<L>();
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < t.size(); ++i) {
    if (labels[i] != ignore_label && labels[i] == classes[i]) ++right;
  }
  return right;
}

}  // namespace

Array accuracy(const Array& y, const Array& t, const AccuracyOptions& options) {
  const std::int64_t counted = check_arguments(y, t, options);
  if (counted == 0) return Array::scalar(0, y.dtype());
  const std::int64_t right =
      dispatch_index(t.dtype(), kName, [&]<class L>() { return count_right<L>(y, t, options.ignore_label); });
  return Array::scalar(static_cast<double>(right) / static_cast<double>(counted), y.dtype());
}

Array accuracy(const Variable& y, const Array& t, const AccuracyOptions& options) {
  return accuracy(detail::array_or_undefined(y), t, options);
}

}  // namespace fathom::ops

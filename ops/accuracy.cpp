// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/accuracy.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/labels.hpp>
#include <fathom/ops/rules/lines.hpp>
#include <fathom/ops/top_k/positions.hpp>

namespace fathom::ops {

namespace {

/// The number of labels that count. `check` has no argument yet.
std::int64_t check_scores(ArgumentCheck& check, const Array& y, const Array& t,
                          std::optional<std::int64_t> ignore_label) {
  check.argument("y", y, "(n, classes, d...)").argument("t", t, "(n, d...)");
  check.select("y").floating();
  FATHOM_CHECK(check.hint("axis 1 holds the scores; a single sample is y.reshape({1, -1})"), y.rank() >= 2,
               ShapeError, "y must have at least 2 axes (it has {})", y.rank());
  FATHOM_CHECK(check.hint("axis 1 counts the classes; look at the size of the last layer"), y.shape(1) >= 1,
               ShapeError, "y must have at least one class (axis 1 has 0)");
  Shape labels_shape{y.shape(0)};
  for (std::size_t axis = 2; axis < y.rank(); ++axis) labels_shape.push_back(y.shape()[axis]);
  check.select("t").index().shape(labels_shape, "that of y without axis 1");
  return detail::check_labels(check, t, y.shape(1), ignore_label,
                              "labels that are to count nothing: {.ignore_label = -1}");
}

/// Calls f(label, class) for each of the `top` best classes of each label that is not ignored.
template <class F>
void for_each_prediction(const Array& y, const Array& t, std::optional<std::int64_t> ignore_label,
                         std::int64_t top, F f) {
  const Array best = detail::top_positions(y, top, 1, true);
  const auto* classes = best.data<std::int64_t>();
  const detail::Lines lines = detail::lines_along(best.shape(), 1);
  dispatch_index(t.dtype(), "labels", [&]<class L>() {
    const L* labels = t.data<L>();
    for (std::int64_t i = 0; i < t.size(); ++i) {
      if (labels[i] == ignore_label) continue;
      for (std::int64_t k = 0; k < top; ++k) f(labels[i], classes[lines.first(i) + k * lines.inner]);
    }
  });
}

}  // namespace

Array accuracy(const Array& y, const Array& t, const AccuracyOptions& options) {
  ArgumentCheck check("accuracy");
  const std::int64_t counted = check_scores(check, y, t, options.ignore_label);
  FATHOM_CHECK(check.hint("1 asks for the label itself, 5 for it among the five best"),
               options.top >= 1 && options.top <= y.shape(1), ValueError,
               "top must lie in [1, {}], the number of classes (it is {})", y.shape(1), options.top);
  if (counted == 0) return Array::scalar(0, y.dtype());
  std::int64_t right = 0;
  for_each_prediction(
      y, t, options.ignore_label, options.top,
      [&](std::int64_t label, std::int64_t predicted) { right += label == predicted ? 1 : 0; });
  return Array::scalar(static_cast<double>(right) / static_cast<double>(counted), y.dtype());
}

Array accuracy(const Variable& y, const Array& t, const AccuracyOptions& options) {
  return accuracy(detail::array_or_undefined(y), t, options);
}

Array confusion_matrix(const Array& y, const Array& t, const ConfusionMatrixOptions& options) {
  ArgumentCheck check("confusion_matrix");
  static_cast<void>(check_scores(check, y, t, options.ignore_label));
  const std::int64_t classes = y.shape(1);
  Array matrix = Array::zeros({classes, classes}, DType::int64);
  auto* counts = matrix.mutable_data<std::int64_t>();
  for_each_prediction(y, t, options.ignore_label, 1, [&](std::int64_t label, std::int64_t predicted) {
    ++counts[label * classes + predicted];
  });
  return matrix;
}

Array confusion_matrix(const Variable& y, const Array& t, const ConfusionMatrixOptions& options) {
  return confusion_matrix(detail::array_or_undefined(y), t, options);
}

}  // namespace fathom::ops

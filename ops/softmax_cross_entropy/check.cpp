// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/labels.hpp>
#include <fathom/ops/softmax_cross_entropy/problem.hpp>

namespace fathom::ops::cross_entropy {

namespace {

constexpr std::string_view kName = "softmax_cross_entropy";

std::int64_t divisor(const Problem& problem, std::int64_t counted) {
  if (problem.options.reduce != Reduce::mean) return 1;
  if (problem.soft) return std::max<std::int64_t>(1, problem.lines.positions());
  return std::max<std::int64_t>(1, problem.options.normalize ? counted : problem.lines.outer);
}

}  // namespace

Problem check(const Array& x, const Array& t, const SoftmaxCrossEntropyOptions& options,
              const Array& class_weight) {
  Problem problem;
  problem.soft = t.defined() && is_float(t.dtype());
  ArgumentCheck check(kName);
  check.argument("x", x, "(n, classes, d...)")
      .argument("t", t, problem.soft ? "(n, classes, d...)" : "(n, d...)");
  if (class_weight.defined()) check.argument("class_weight", class_weight, "(classes)");
  check.select("x").floating();
  FATHOM_CHECK(check.hint("axis 1 holds the scores; a single sample is x.reshape({1, -1})"), x.rank() >= 2,
               ShapeError, "x must have at least 2 axes (it has {})", x.rank());
  FATHOM_CHECK(check.hint("axis 1 counts the classes; look at the size of the last layer"), x.shape(1) >= 1,
               ShapeError, "x must have at least one class (axis 1 has 0)");

  const double smoothing = options.label_smoothing;
  FATHOM_CHECK(check.hint("it is a share; 0.1 is usual, 0 turns it off"), smoothing >= 0 && smoothing <= 1,
               ValueError, "label_smoothing must lie in [0, 1] (it is {})", smoothing);

  problem.lines = detail::lines_along(x.shape(), 1);
  problem.x_shape = x.shape();
  problem.options = options;
  problem.t = t;
  problem.class_weight = class_weight;
  problem.labels_shape.push_back(x.shape(0));
  for (std::size_t axis = 2; axis < x.rank(); ++axis) problem.labels_shape.push_back(x.shape()[axis]);

  check.select("t");
  if (!problem.soft) {
    check.index().shape(problem.labels_shape, "that of x without axis 1");
  } else if (t.shape() != x.shape()) {
    check.fail<DTypeError>(
        fmt::format("t must be int32 or int64 labels {}, or soft targets in the shape of x (it is {})",
                    to_string(problem.labels_shape), describe(t)),
        "convert labels with astype(DType::int64)");
  } else {
    check.same_dtype();
  }
  if (class_weight.defined()) {
    check.select("class_weight").same_dtype().shape({problem.lines.length}, "one for each class of x");
  }
  const std::int64_t counted =
      problem.soft ? 0
                   : detail::check_labels(check, t, problem.lines.length, options.ignore_label,
                                          "x has one score for each class along axis 1; labels count from 0");
  problem.scale = 1.0 / static_cast<double>(divisor(problem, counted));
  return problem;
}

}  // namespace fathom::ops::cross_entropy

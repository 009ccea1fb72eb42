// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>

#include <fathom/core/check.hpp>
#include <fathom/ops/softmax_cross_entropy/problem.hpp>

namespace fathom::ops::cross_entropy {

namespace {

constexpr std::string_view kName = "softmax_cross_entropy";

/// "t[1, 2]" for the element at `offset`.
std::string element_name(const Shape& shape, std::int64_t offset) {
  std::vector<std::int64_t> index(shape.rank());
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    index[axis] = offset % shape[axis];
    offset /= shape[axis];
  }
  return fmt::format("t{}", to_string(Shape(index)));
}

/// Checks all labels; returns how many are not ignored.
std::int64_t check_labels(const ArgumentCheck& check, const Problem& problem) {
  std::int64_t counted = 0;
  dispatch_index(problem.t.dtype(), kName, [&]<class L>() {
    const L* labels = problem.t.data<L>();
    for (std::int64_t i = 0; i < problem.t.size(); ++i) {
      const std::int64_t label = labels[i];
      if (label == problem.options.ignore_label) continue;
      ++counted;
      if (label >= 0 && label < problem.lines.length) continue;
      check.fail<ValueError>(
          fmt::format("labels must lie in [0, {}) or be the ignored {} ({} is {})", problem.lines.length,
                      problem.options.ignore_label, element_name(problem.labels_shape, i), label),
          "x has one score for each class along axis 1; labels count from 0");
    }
  });
  return counted;
}

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

  problem.lines = softmax_family::lines_along(x.shape(), 1);
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
  problem.scale =
      1.0 / static_cast<double>(divisor(problem, problem.soft ? 0 : check_labels(check, problem)));
  return problem;
}

}  // namespace fathom::ops::cross_entropy

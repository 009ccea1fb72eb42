// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/reduce.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bitset>

#include <fathom/core/check.hpp>
#include <fathom/core/threads.hpp>

namespace fathom {
namespace {

using AxisSet = std::bitset<Shape::kMaxRank>;

AxisSet axis_set(std::string_view op, const Shape& shape, const std::optional<Axes>& axes) {
  AxisSet set;
  if (!axes) {
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) set.set(axis);
  } else {
    for (const std::size_t axis : normalize_axes(op, *axes, shape.rank())) set.set(axis);
  }
  return set;
}

Shape without(const Shape& shape, const AxisSet& axes, bool keepdims) {
  Shape result;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (!axes[axis]) result.push_back(shape[axis]);
    if (axes[axis] && keepdims) result.push_back(1);
  }
  return result;
}

/// Eight partial sums: the additions do not wait for each other, and the order depends on the length alone.
template <class T>
double sum_contiguous(const T* x, std::int64_t count) {
  double partial[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int lane = 0; lane < 8; ++lane) partial[lane] += static_cast<double>(x[i + lane]);
  }
  for (; i < count; ++i) partial[i % 8] += static_cast<double>(x[i]);
  return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
         ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

/// Neighbouring axes of one kind merged: alternating kept and reduced runs, the innermost last.
struct Runs {
  std::vector<std::int64_t> size;
  std::vector<bool> reduced;
};

Runs merge(const Shape& shape, const AxisSet& axes) {
  Runs runs;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    if (!runs.size.empty() && runs.reduced.back() == axes[axis]) {
      runs.size.back() *= shape[axis];
    } else {
      runs.size.push_back(shape[axis]);
      runs.reduced.push_back(axes[axis]);
    }
  }
  return runs;
}

/// One output element at a time for an inner reduced run; a whole kept row at a time otherwise.
template <class T>
void sum_runs(const T* x, const Runs& runs, T* y, std::int64_t outputs) {
  Shape kept;
  Shape summed;
  Strides kept_stride{};
  Strides summed_stride{};
  std::int64_t stride = 1;
  std::vector<std::int64_t> strides(runs.size.size());
  for (std::size_t i = runs.size.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= runs.size[i];
  }
  const bool inner_reduced = !runs.reduced.empty() && runs.reduced.back();
  for (std::size_t i = 0; i + 1 < runs.size.size(); ++i) {
    Shape& side = runs.reduced[i] ? summed : kept;
    (runs.reduced[i] ? summed_stride : kept_stride)[side.rank()] = strides[i];
    side.push_back(runs.size[i]);
  }
  const std::int64_t inner = runs.size.empty() ? 1 : runs.size.back();
  const std::int64_t rows = outputs / (inner_reduced ? 1 : inner);
  const std::int64_t repeats = summed.size();
  const auto offset = [](std::int64_t index, const Shape& shape, const Strides& by) {
    std::int64_t result = 0;
    for (std::size_t axis = shape.rank(); axis-- > 0; index /= shape[axis])
      result += index % shape[axis] * by[axis];
    return result;
  };
  constexpr std::int64_t kBlock = 256;  // columns added up together in a buffer on the stack
  const std::int64_t blocks = inner_reduced ? 1 : (inner + kBlock - 1) / kBlock;
  const std::int64_t work = repeats * std::min(inner, kBlock);
  parallel_for(rows * blocks, std::max<std::int64_t>(1, (1 << 14) / work),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t row = item / blocks;
                   const T* base = x + offset(row, kept, kept_stride);
                   if (inner_reduced) {
                     double total = 0;
                     for (std::int64_t i = 0; i < repeats; ++i)
                       total += sum_contiguous(base + offset(i, summed, summed_stride), inner);
                     y[row] = static_cast<T>(total);
                     continue;
                   }
                   const std::int64_t first = item % blocks * kBlock;
                   const std::int64_t count = std::min(kBlock, inner - first);
                   double totals[kBlock] = {};
                   for (std::int64_t i = 0; i < repeats; ++i) {
                     const T* from = base + first + offset(i, summed, summed_stride);
                     for (std::int64_t j = 0; j < count; ++j) totals[j] += static_cast<double>(from[j]);
                   }
                   for (std::int64_t j = 0; j < count; ++j)
                     y[row * inner + first + j] = static_cast<T>(totals[j]);
                 }
               });
}

Array sum_over(const Array& x, const AxisSet& axes, const Shape& shape) {
  if (x.size() == 0) return Array::zeros(shape, x.dtype());
  Array y = Array::empty(shape, x.dtype());
  const Runs runs = merge(x.shape(), axes);
  dispatch_float(x.dtype(), "sum",
                 [&]<class T>() { sum_runs(x.data<T>(), runs, y.mutable_data<T>(), y.size()); });
  return y;
}

}  // namespace

Shape reduced_shape(std::string_view op, const Shape& shape, const std::optional<Axes>& axes, bool keepdims) {
  return without(shape, axis_set(op, shape, axes), keepdims);
}

Array sum(const Array& x, const std::optional<Axes>& axes, bool keepdims) {
  ArgumentCheck("sum").argument("x", x).floating();
  const AxisSet set = axis_set("sum", x.shape(), axes);
  return sum_over(x, set, without(x.shape(), set, keepdims));
}

Array sum_to(const Array& x, const Shape& shape) {
  ArgumentCheck check("sum_to");
  check.argument("x", x).floating();
  if (!broadcasts_to(shape, x.shape())) {
    check.fail<ShapeError>(fmt::format("x cannot be summed to {}", to_string(shape)),
                           "aligned at the end, each size of the result must be 1 or that of x");
  }
  if (shape == x.shape()) return x;
  AxisSet set;
  const std::size_t shift = x.rank() - shape.rank();
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    set[axis] = axis < shift || (shape[axis - shift] == 1 && x.shape()[axis] != 1);
  }
  return sum_over(x, set, shape);
}

}  // namespace fathom

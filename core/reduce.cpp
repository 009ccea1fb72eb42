// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/core/reduce.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <cmath>
#include <functional>

#include <fathom/core/reduce/kernel.hpp>
#include <fathom/core/threads.hpp>

namespace fathom {
namespace {

using AxisSet = std::bitset<Shape::kMaxRank>;

AxisSet axis_set(const ArgumentCheck& check, const Shape& shape, const std::optional<Axes>& axes) {
  AxisSet set;
  if (!axes) {
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) set.set(axis);
  } else {
    for (const std::size_t axis : check.axes(*axes, shape.rank())) set.set(axis);
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

using detail::MaxFold;
using detail::MinFold;
using detail::SumFold;

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
template <class Fold, class T>
void fold_runs(const T* x, const Runs& runs, T* y, std::int64_t outputs) {
  using Total = typename Fold::template Total<T>;
  Shape kept;
  Shape folded;
  Strides kept_stride{};
  Strides folded_stride{};
  std::int64_t stride = 1;
  std::vector<std::int64_t> strides(runs.size.size());
  for (std::size_t i = runs.size.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= runs.size[i];
  }
  const bool inner_reduced = !runs.reduced.empty() && runs.reduced.back();
  for (std::size_t i = 0; i + 1 < runs.size.size(); ++i) {
    Shape& side = runs.reduced[i] ? folded : kept;
    (runs.reduced[i] ? folded_stride : kept_stride)[side.rank()] = strides[i];
    side.push_back(runs.size[i]);
  }
  const std::int64_t inner = runs.size.empty() ? 1 : runs.size.back();
  const std::int64_t rows = outputs / (inner_reduced ? 1 : inner);
  const std::int64_t repeats = folded.size();
  const auto offset = [](std::int64_t index, const Shape& shape, const Strides& by) {
    std::int64_t result = 0;
    for (std::size_t axis = shape.rank(); axis-- > 0; index /= shape[axis])
      result += index % shape[axis] * by[axis];
    return result;
  };
  constexpr std::int64_t kBlock = 256;  // results added up together in a buffer on the stack
  const std::int64_t blocks = inner_reduced ? 1 : (inner + kBlock - 1) / kBlock;
  const std::int64_t work = repeats * std::min(inner, kBlock);
  const auto fold_row = detail::row_folds<T>().template get<Fold>();
  parallel_for(rows * blocks, std::max<std::int64_t>(1, (1 << 14) / work),
               [&](std::int64_t begin, std::int64_t end) {
                 // The rows of all results before the next row of each: as they lie in memory.
                 for (std::int64_t first = begin; inner_reduced && first < end; first += kBlock) {
                   const std::int64_t count = std::min(kBlock, end - first);
                   std::int64_t start[kBlock];
                   Total totals[kBlock];
                   std::fill_n(totals, count, Fold::template start<T>);
                   for (std::int64_t j = 0; j < count; ++j) start[j] = offset(first + j, kept, kept_stride);
                   for (std::int64_t i = 0; i < repeats; ++i) {
                     const T* from = x + offset(i, folded, folded_stride);
                     for (std::int64_t j = 0; j < count; ++j)
                       Fold::add(totals[j], fold_row(from + start[j], inner));
                   }
                   std::transform(totals, totals + count, y + first,
                                  [](Total total) { return static_cast<T>(total); });
                 }
                 for (std::int64_t item = begin; !inner_reduced && item < end; ++item) {
                   const std::int64_t row = item / blocks;
                   const T* base = x + offset(row, kept, kept_stride);
                   const std::int64_t first = item % blocks * kBlock;
                   const std::int64_t count = std::min(kBlock, inner - first);
                   Total totals[kBlock];
                   std::fill_n(totals, count, Fold::template start<T>);
                   for (std::int64_t i = 0; i < repeats; ++i) {
                     const T* from = base + first + offset(i, folded, folded_stride);
                     for (std::int64_t j = 0; j < count; ++j)
                       Fold::add(totals[j], static_cast<Total>(from[j]));
                   }
                   for (std::int64_t j = 0; j < count; ++j)
                     y[row * inner + first + j] = static_cast<T>(totals[j]);
                 }
               });
}

template <class Fold>
Array fold_over(std::string_view op, const Array& x, const AxisSet& axes, const Shape& shape) {
  Array y = Array::empty(shape, x.dtype());
  const Runs runs = merge(x.shape(), axes);
  dispatch_float(x.dtype(), op,
                 [&]<class T>() { fold_runs<Fold>(x.data<T>(), runs, y.mutable_data<T>(), y.size()); });
  return y;
}

Array sum_over(const Array& x, const AxisSet& axes, const Shape& shape) {
  return x.size() == 0 ? Array::zeros(shape, x.dtype()) : fold_over<SumFold>("sum", x, axes, shape);
}

template <class Fold>
Array extremum(std::string_view op, const Array& x, const std::optional<Axes>& axes, bool keepdims) {
  ArgumentCheck check(op);
  check.argument("x", x).floating();
  const AxisSet set = axis_set(check, x.shape(), axes);
  const Shape shape = without(x.shape(), set, keepdims);
  FATHOM_CHECK(check.hint("leave empty arrays out"), x.size() != 0 || shape.size() == 0, ValueError,
               "x must have elements to choose from ({} to {})", to_string(x.shape()), to_string(shape));
  return x.size() == 0 ? Array::empty(shape, x.dtype()) : fold_over<Fold>(op, x, set, shape);
}

/// Position of the element along the axis that no later one is better than, for each of `outer` * `inner`.
template <class Better, class T>
void best_positions(const T* x, std::int64_t outer, std::int64_t count, std::int64_t inner,
                    std::int64_t* to) {
  parallel_for(outer * inner, std::max<std::int64_t>(1, (1 << 14) / count),
               [=](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const T* from = x + i / inner * count * inner + i % inner;
                   std::int64_t best = 0;
                   for (std::int64_t k = 1; k < count && !std::isnan(from[best * inner]); ++k) {
                     const T next = from[k * inner];
                     if (Better{}(next, from[best * inner]) || std::isnan(next)) best = k;
                   }
                   to[i] = best;
                 }
               });
}

template <class Better>
Array arg_extremum(std::string_view op, const Array& x, std::optional<std::int64_t> axis) {
  ArgumentCheck check(op);
  check.argument("x", x).defined();
  const Array whole = axis ? x : x.reshape({-1});
  const std::size_t along = axis ? check.axis(*axis, x.rank()) : 0;
  const std::int64_t count = whole.shape()[along];
  Shape shape;
  std::int64_t inner = 1;
  for (std::size_t i = 0; i < whole.rank(); ++i) {
    if (i != along) shape.push_back(whole.shape()[i]);
    if (i > along) inner *= whole.shape()[i];
  }
  FATHOM_CHECK(check.hint("leave empty arrays out"), count != 0 || shape.size() == 0, ValueError,
               "x must have elements to choose from ({} to {})", to_string(x.shape()), to_string(shape));
  Array y = Array::empty(shape, DType::int64);
  if (y.size() == 0) return y;
  dispatch_all(x.dtype(), [&]<class T>() {
    best_positions<Better>(whole.data<T>(), y.size() / inner, count, inner, y.mutable_data<std::int64_t>());
  });
  return y;
}

}  // namespace

Shape reduced_shape(const ArgumentCheck& check, const Shape& shape, const std::optional<Axes>& axes,
                    bool keepdims) {
  return without(shape, axis_set(check, shape, axes), keepdims);
}

Array sum(const Array& x, const std::optional<Axes>& axes, bool keepdims) {
  ArgumentCheck check("sum");
  check.argument("x", x).floating();
  const AxisSet set = axis_set(check, x.shape(), axes);
  return sum_over(x, set, without(x.shape(), set, keepdims));
}

Array max(const Array& x, const std::optional<Axes>& axes, bool keepdims) {
  return extremum<MaxFold>("max", x, axes, keepdims);
}
Array min(const Array& x, const std::optional<Axes>& axes, bool keepdims) {
  return extremum<MinFold>("min", x, axes, keepdims);
}

Array argmax(const Array& x, std::optional<std::int64_t> axis) {
  return arg_extremum<std::greater<>>("argmax", x, axis);
}
Array argmin(const Array& x, std::optional<std::int64_t> axis) {
  return arg_extremum<std::less<>>("argmin", x, axis);
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
